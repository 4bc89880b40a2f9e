// PeerServer starts two housekeeping timers that re-arm themselves for ever and offers no way to stop them. They are
// armed synchronously, when it is mounted and from within their own callbacks, so `setTimeout` is watched for just
// those stretches: otherwise a closed server would keep its process alive.

/** Runs `mount` and returns a function that stops every timer it has armed, directly or from such a timer. */
export function collectTimers(mount) {
  const setTimeoutUnwatched = globalThis.setTimeout;
  const armed = new Set();
  let isStopped = false;

  const watch = (action) => {
    globalThis.setTimeout = armWatched;
    try {
      action();
    } finally {
      globalThis.setTimeout = setTimeoutUnwatched;
    }
  };
  const armWatched = (callback, delayMs, ...args) => {
    const timer = setTimeoutUnwatched(() => {
      armed.delete(timer);
      if (!isStopped) watch(() => callback(...args));
    }, delayMs);
    armed.add(timer);
    return timer;
  };

  watch(mount);
  return () => {
    isStopped = true;
    for (const timer of armed) clearTimeout(timer);
    armed.clear();
  };
}
