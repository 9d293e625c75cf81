import type { SourceFile } from './source-file.ts'

/** Returns the doc comment directly before an offset, without its stars; undefined if there is none. */
export function docCommentBefore(file: SourceFile, offset: number): string | undefined {
  const before = withoutLineComments(file.text.slice(0, offset))
  if (!before.endsWith('*/')) return undefined
  const opened = before.lastIndexOf('/*')
  if (!before.startsWith('/**', opened)) return undefined
  return before
    .slice(opened + 3, -2)
    .replace(/^[ \t]*\*[ \t]?/gm, '')
    .trim()
}

/** Whether a doc comment has an `@example` with a `ts` block. */
export function hasExample(doc: string): boolean {
  return /^@example\b[^\n]*\n```ts\n/m.test(doc)
}

/** Removes trailing `//` lines: a linter directive may follow the doc comment of a declaration. */
function withoutLineComments(text: string): string {
  let before = text.trimEnd()
  for (let last = lastLine(before); last.startsWith('//'); last = lastLine(before)) {
    before = before.slice(0, before.lastIndexOf('\n') + 1).trimEnd()
  }
  return before
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1).trimStart()
}
