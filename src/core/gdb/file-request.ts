/**
 * A File-I/O request: what the program asks the machine of the debugger for, by semihosting.
 * https://sourceware.org/gdb/current/onlinedocs/gdb.html/File_002dI_002fO-Remote-Protocol-Extension.html
 */
export interface FileRequest {
  readonly call: string;
  readonly args: readonly string[];
}

/** Bytes of the program's memory that it wants to have written. */
export interface ConsoleWrite {
  readonly address: string;
  readonly bytes: number;
}

const STANDARD_OUTPUTS = [1, 2];
/** What is shown of one write; the rest is not read. */
const MAX_SHOWN_BYTES = 1_024;
/** errno EACCES of the protocol. */
const NO_ACCESS = 13;

export function readFileRequest(payload: string): FileRequest | undefined {
  if (!payload.startsWith("F") || payload.length < 2) return undefined;
  const [call = "", ...args] = payload.slice(1).split(",");
  return /^[a-z]+$/.test(call) ? { call, args } : undefined;
}

/** The program's own words for its console; undefined for every other request. */
export function consoleWriteOf({
  call,
  args: [fd = "", address = "", count = ""],
}: FileRequest): ConsoleWrite | undefined {
  if (call !== "write" || !STANDARD_OUTPUTS.includes(Number.parseInt(fd, 16))) return undefined;
  const bytes = Number.parseInt(count, 16);
  if (!/^[0-9a-fA-F]{1,16}$/.test(address) || !(bytes > 0)) return undefined;
  return { address, bytes: Math.min(bytes, MAX_SHOWN_BYTES) };
}

/** The answer that lets the program go on without any file: only its console is there. */
export function answerFileRequest(request: FileRequest): string {
  const { call, args } = request;
  if (call === "write" && consoleWriteOf(request)) return `F${(Number.parseInt(args[2] ?? "0", 16) || 0).toString(16)}`;
  if (call === "isatty") return STANDARD_OUTPUTS.includes(Number.parseInt(args[0] ?? "", 16)) ? "F1" : "F0";
  if (call === "close") return "F0";
  return `F-1,${NO_ACCESS.toString(16)}`;
}
