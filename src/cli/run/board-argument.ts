/** True for the path of a board's YAML, as against the name of a board. */
export function isBoardFile(board: string): boolean {
  return board.includes("/") || /\.ya?ml$/.test(board);
}
