import type { SourceFile } from '../tidy/source-file.ts'

/** A block of TypeScript in a document or a doc comment, as its reader would copy it. */
export interface Snippet {
  /** The file in which it stands, from the root. */
  readonly path: string
  /** The line of its first line of code, from 1. */
  readonly line: number
  readonly code: string
}

interface Block {
  readonly language: string
  readonly line: number
  /** How many backticks opened it; as many close it. */
  readonly ticks: number
  readonly indent: number
  readonly code: string[]
}

const FENCE = /^( *)(`{3,})([^`\s]*)/
const ANY_LINE = /^/
/** In a source, the stars of doc comments: no line of code that begins with one opens a block. */
const STARRED_LINE = /^[ \t]*\*(?!\/)[ \t]?/

/** The blocks that are opened with `ts`; in a source, those of its doc comments alone. */
export function snippetsOf({ path, text }: SourceFile): readonly Snippet[] {
  return blocksOf(text, path.endsWith('.md') ? ANY_LINE : STARRED_LINE)
    .filter(({ language }) => language === 'ts')
    .map(({ line, code }) => ({ path, line, code: `${code.join('\n')}\n` }))
}

/** All blocks. One that nobody closes ends with its comment, or with the file: what stands there is code all the same. */
function blocksOf(text: string, prefix: RegExp): readonly Block[] {
  const blocks: Block[] = []
  let open: Block | undefined
  text.split('\n').forEach((raw, index) => {
    if (!prefix.test(raw)) {
      open = undefined
      return
    }
    const line = raw.replace(prefix, '')
    const [, spaces = '', backticks = '', language = ''] = FENCE.exec(line) ?? []
    if (open === undefined) {
      if (backticks === '') return
      open = { language, line: index + 2, ticks: backticks.length, indent: spaces.length, code: [] }
      blocks.push(open)
    } else if (language === '' && backticks.length >= open.ticks) open = undefined
    else open.code.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)))
  })
  return blocks
}
