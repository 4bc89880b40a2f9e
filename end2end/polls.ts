// What the tests ask about.

import type { NewPoll } from "./pages/home";

export const LUNCH: NewPoll = { question: "Where do we have lunch?", options: ["Pizza", "Soup"] };
export const TRIP: NewPoll = { question: "Which days suit you?", options: ["Monday", "Tuesday", "Friday"], multiple: true };
