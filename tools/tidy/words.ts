import type { Finding } from './finding.ts'
import type { SourceFile } from './source-file.ts'

/** Paths and hosts that exist on one machine only. */
const FORBIDDEN: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /(?<![\w.])\/(?:work|root|home\/\w+|Users\/\w+)\//, why: 'a path of one machine' },
  { pattern: /\/tmp\/(?:brief|bash)/, why: 'a path of one machine' },
  { pattern: /\bregistry\.[a-z0-9-]+\.[a-z]/i, why: "a registry's host; npm's settings name it" },
  { pattern: /\bnpm\.pkg\.[a-z]/i, why: "a registry's host; npm's settings name it" },
]

/** Finds lines with a path or host of one machine. */
export function forbiddenWords(files: readonly SourceFile[]): Finding[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) =>
      FORBIDDEN.flatMap(({ pattern, why }) => {
        const word = pattern.exec(line)?.[0]
        return word === undefined ? [] : [{ file: path, line: index + 1, problem: `'${word}': ${why}` }]
      }),
    ),
  )
}
