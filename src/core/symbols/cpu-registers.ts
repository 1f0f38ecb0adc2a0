/** Registers that say where a CPU is. */
export interface CpuPlace {
  readonly pc: number;
  /** Where the present function returns to, on CPUs that keep it in a register. */
  readonly link?: number;
  readonly stack?: number;
}

interface Names {
  readonly pc: RegExp;
  readonly link?: RegExp;
  readonly stack?: RegExp;
}

/** As QEMU prints registers, of each architecture. A register's name stands at the beginning of a word. */
const PRINTED: readonly Names[] = [
  { pc: /\bR15=([0-9a-f]{8})\b/, link: /\bR14=([0-9a-f]{8})\b/, stack: /\bR13=([0-9a-f]{8})\b/ },
  { pc: /\bPC=([0-9a-f]{16})\b/, link: /\bX30=([0-9a-f]{16})\b/, stack: /\bSP=([0-9a-f]{16})\b/ },
  { pc: /^\s*pc\s+([0-9a-f]{8,16})\b/m, link: /\bx1\/ra\s+([0-9a-f]{8,16})\b/, stack: /\bx2\/sp\s+([0-9a-f]{8,16})\b/ },
  { pc: /\bPC:\s+([0-9a-f]{4,8})\b/ },
  { pc: /\b[RE]IP=([0-9a-f]{8,16})\b/, stack: /\b[RE]SP=([0-9a-f]{8,16})\b/ },
  { pc: /\bPC=([0-9a-f]{8})\b/ },
];

/** What an Arm's M profile has in its link register while it handles an exception, above all else. */
const EXCEPTION_RETURN = 0xff000000;
/** An exception lays R0 to R3, R12, LR, PC and XPSR on the stack. */
const [FRAME_LINK, FRAME_PC] = [5, 6];
export const EXCEPTION_FRAME_WORDS = 8;

/** An exception that an Arm of M profile handles. */
export interface ArmException {
  /** Where the CPU was when it came; undefined: the stack has gone. */
  readonly interrupted?: CpuPlace;
}

/**
 * The exception that an Arm of M profile handles, as long as its handler has called nothing, by the words at its stack
 * pointer; undefined for any other dump.
 */
export function readArmException(dump: string, stack: readonly number[]): ArmException | undefined {
  const { link = 0 } = readCpuPlace(dump) ?? {};
  if (!/\bXPSR=/.test(dump) || link < EXCEPTION_RETURN) return undefined;
  const [pc, before] = [stack[FRAME_PC], stack[FRAME_LINK]];
  return pc === undefined || before === undefined ? {} : { interrupted: { pc, link: before } };
}

/** Where the first CPU is by a dump of QEMU's; undefined for any other text. */
export function readCpuPlace(dump: string): CpuPlace | undefined {
  for (const { pc, link, stack } of PRINTED) {
    const place = numberIn(dump, pc);
    if (place === undefined) continue;
    const linked = link && numberIn(dump, link);
    const pointed = stack && numberIn(dump, stack);
    return {
      pc: place,
      ...(linked !== undefined && { link: linked }),
      ...(pointed !== undefined && { stack: pointed }),
    };
  }
  return undefined;
}

function numberIn(dump: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(dump)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}
