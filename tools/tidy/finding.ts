/** One violation of a house rule. */
export interface Finding {
  /** Relative to the root of the repository. */
  readonly file: string
  /** From 1; omitted if the finding concerns the whole file. */
  readonly line?: number
  /** What is wrong, and what the rule requires. */
  readonly problem: string
}

/** Formats findings as text, one a line: `packages/escudo/src/core/engine/call.ts:3: …`. */
export function printed(findings: readonly Finding[]): string[] {
  return findings.map(({ file, line, problem }) => `${file}${line === undefined ? '' : `:${line}`}: ${problem}`)
}
