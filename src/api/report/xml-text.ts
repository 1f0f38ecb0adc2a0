/** What XML 1.0 (section 2.2) forbids, even escaped: control characters, lone surrogates, two non-characters. */
const FORBIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the very characters that XML forbids
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
/** ANSI escape sequences (ECMA-48): colours and cursor moves of a console, which a report cannot show. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with a control character
const ESCAPE_SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** Text that may stand in an XML document: serial logs are full of what may not. */
export function toXmlText(text: string): string {
  return text.replace(ESCAPE_SEQUENCES, "").replace(FORBIDDEN, "\ufffd").replace(/\r\n?/g, "\n");
}
