/** What went wrong on a QMP connection, apart from what commands answer. */
export type QmpTransportProblem = "closed" | "malformed" | "tooLarge" | "timedOut";

const SENTENCES: Record<QmpTransportProblem, string> = {
  closed: "the connection has ended",
  malformed: "the emulator sent what is not QMP",
  tooLarge: "the emulator sent a message that is too large",
  timedOut: "no answer came in time",
};

/** The QMP connection itself failed; all but `timedOut` end it. */
export class QmpTransportError extends Error {
  override readonly name = "QmpTransportError";
  readonly problem: QmpTransportProblem;

  constructor(problem: QmpTransportProblem, detail?: string, options?: { cause?: unknown }) {
    super(detail === undefined ? SENTENCES[problem] : `${SENTENCES[problem]}: ${detail}`, options);
    this.problem = problem;
  }
}
