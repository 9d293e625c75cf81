/** One place that breaks a house rule. */
export interface Finding {
  /** From the root of the repository. */
  readonly file: string
  /** From 1; left out where the whole file is meant. */
  readonly line?: number
  /** What is wrong there, and what would be right. */
  readonly problem: string
}

/** Findings as people read them, one a line: `packages/escudo/src/core/engine/call.ts:3: …`. */
export function printed(findings: readonly Finding[]): string[] {
  return findings.map(({ file, line, problem }) => `${file}${line === undefined ? '' : `:${line}`}: ${problem}`)
}
