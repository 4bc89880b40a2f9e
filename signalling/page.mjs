// The built page, served from memory.
//
// Every file is read once at the start, so a lookup in a table is all that a request can reach: no path leads outside.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, posix, relative, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const CONFIG_FILE = "/config.json";
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};
const TYPE_UNKNOWN = "application/octet-stream";
const COMPRESSED_ALREADY = new Set([".png", ".woff2"]);
const COMPRESS_BYTES_MIN = 1024;
const BROTLI_QUALITY = 7;

/** The build puts a digest of the content into these names, without leading zeros. */
const HASHED_NAME = /-[0-9a-f]{8,16}(_bg)?\.[a-z]+$/;
const CACHE_FOR_EVER = "public, max-age=31536000, immutable";
const CACHE_REVALIDATE = "no-cache";

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

/**
 * Reads `dist` and returns a handler for Express. `config`, when given, is served in the place of the
 * directory's `config.json`.
 */
export async function pageHandler(dist, { config } = {}) {
  const files = await readFiles(dist);
  if (config !== undefined) files.set(CONFIG_FILE, makeFile(CONFIG_FILE, Buffer.from(JSON.stringify(config))));
  const index = files.get("/index.html");
  if (index === undefined) throw new Error(`${dist} holds no index.html: build it with "cargo xtask dist"`);
  const signalling = parse(files.get(CONFIG_FILE))?.signalling ?? {};

  return (request, response) => {
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Referrer-Policy", "no-referrer");
    response.setHeader("Content-Security-Policy", connectPolicy(signalling, request.hostname));
    const path = pathOf(request.url);
    if (path === undefined) return refuse(response, 400, "Bad request");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      return refuse(response, 405, "Method not allowed");
    }
    const file = files.get(path.endsWith("/") ? `${path}index.html` : path) ?? fallback(index, path);
    if (file === undefined) return refuse(response, 404, "Not found");
    send(request, response, file).catch((error) => response.destroy(error));
  };
}

async function readFiles(dist) {
  const entries = await readdir(dist, { recursive: true, withFileTypes: true });
  const files = new Map();
  for (const entry of entries.filter((entry) => entry.isFile())) {
    const location = join(entry.parentPath ?? entry.path, entry.name);
    const path = `/${relative(dist, location).split(sep).join(posix.sep)}`;
    files.set(path, makeFile(path, await readFile(location)));
  }
  return files;
}

function makeFile(path, body) {
  const extension = extname(path);
  return {
    body,
    type: TYPES[extension] ?? TYPE_UNKNOWN,
    etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`,
    cache: HASHED_NAME.test(path) ? CACHE_FOR_EVER : CACHE_REVALIDATE,
    isCompressible: body.length >= COMPRESS_BYTES_MIN && !COMPRESSED_ALREADY.has(extension),
    encoded: new Map(),
  };
}

/** Every path without an extension is the page's to route; further down, its base has to lead back up. */
function fallback(index, path) {
  if (extname(path) !== "") return undefined;
  const depth = path.split("/").length - 2;
  if (depth === 0) return index;
  const html = index.body.toString().replace('<base href="./">', `<base href="${"../".repeat(depth)}">`);
  return makeFile("/index.html", Buffer.from(html));
}

/**
 * The page's own policy can't name a signalling host that is chosen at run time; here it is known. Where the configuration names
 * a port alone, it is one of the host that was asked.
 */
function connectPolicy({ host, port, secure }, pageHost) {
  const sources = ["'self'"];
  const hostname = typeof host === "string" ? host : typeof port === "number" ? pageHost : undefined;
  if (hostname !== undefined) {
    const schemes = secure === true ? ["wss"] : secure === false ? ["ws"] : ["ws", "wss"];
    const origin = `${hostname}${typeof port === "number" ? `:${port}` : ""}`;
    if (/^[\w.*:[\]-]+$/.test(origin)) sources.push(...schemes.map((scheme) => `${scheme}://${origin}`));
  }
  return `connect-src ${sources.join(" ")}; frame-ancestors 'none'`;
}

function parse(configFile) {
  try {
    return JSON.parse(configFile.body.toString());
  } catch {
    return {};
  }
}

function pathOf(url) {
  try {
    return decodeURIComponent(new URL(`http://page${url}`).pathname);
  } catch {
    return undefined;
  }
}

function refuse(response, status, text) {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" });
  response.end(`${text}\n`);
}

async function send(request, response, file) {
  response.setHeader("ETag", file.etag);
  response.setHeader("Cache-Control", file.cache);
  response.setHeader("Vary", "Accept-Encoding");
  if (request.headers["if-none-match"] === file.etag) {
    response.writeHead(304);
    response.end();
    return;
  }
  const encoding = file.isCompressible ? chooseEncoding(request.headers["accept-encoding"] ?? "") : undefined;
  const body = encoding === undefined ? file.body : await encode(file, encoding);
  if (encoding !== undefined) response.setHeader("Content-Encoding", encoding);
  response.writeHead(200, { "Content-Type": file.type, "Content-Length": body.length });
  response.end(request.method === "HEAD" ? undefined : body);
}

function chooseEncoding(accepted) {
  const names = accepted.split(",").map((part) => part.trim().split(";")[0]);
  return ["br", "gzip"].find((name) => names.includes(name));
}

function encode(file, encoding) {
  if (!file.encoded.has(encoding)) {
    file.encoded.set(
      encoding,
      encoding === "br"
        ? compressBrotli(file.body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } })
        : compressGzip(file.body),
    );
  }
  return file.encoded.get(encoding);
}
