import type { SourceFile } from './source-file.ts'

/** The doc comment right before a place of the text, without its stars; undefined when there is none. */
export function docCommentBefore(file: SourceFile, offset: number): string | undefined {
  const before = withoutRemarks(file.text.slice(0, offset))
  if (!before.endsWith('*/')) return undefined
  const opened = before.lastIndexOf('/*')
  if (!before.startsWith('/**', opened)) return undefined
  return before
    .slice(opened + 3, -2)
    .replace(/^[ \t]*\*[ \t]?/gm, '')
    .trim()
}

/** Whether a doc comment has an example that is code. */
export function hasExample(doc: string): boolean {
  return /^@example\b[^\n]*\n```ts\n/m.test(doc)
}

/** Without the lines of `//` at the end: remarks for tools may stand between a comment and its declaration. */
function withoutRemarks(text: string): string {
  let before = text.trimEnd()
  for (let last = lastLine(before); last.startsWith('//'); last = lastLine(before)) {
    before = before.slice(0, before.lastIndexOf('\n') + 1).trimEnd()
  }
  return before
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1).trimStart()
}
