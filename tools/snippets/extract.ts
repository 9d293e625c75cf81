import type { SourceFile } from '../tidy/source-file.ts'

/** A block of TypeScript in a document or a doc comment, without its markup. */
export interface Snippet {
  /** The file that contains it, relative to the root of the repository. */
  readonly path: string
  /** The line of its first line of code, from 1. */
  readonly line: number
  readonly code: string
}

interface Block {
  readonly language: string
  readonly line: number
  /** How many backticks opened it. At least as many close it. */
  readonly ticks: number
  readonly indent: number
  readonly code: string[]
}

const FENCE = /^( *)(`{3,})([^`\s]*)/
const ANY_LINE = /^/
/** The prefix of a line in a doc comment. A code line that starts with `*` never opens a block. */
const STARRED_LINE = /^[ \t]*\*(?!\/)[ \t]?/

/** Returns the `ts` blocks of a document, or of a source's doc comments. */
export function snippetsOf({ path, text }: SourceFile): readonly Snippet[] {
  return blocksOf(text, path.endsWith('.md') ? ANY_LINE : STARRED_LINE)
    .filter(({ language }) => language === 'ts')
    .map(({ line, code }) => ({ path, line, code: `${code.join('\n')}\n` }))
}

/** Returns all blocks. An unclosed block ends with its comment or its file. */
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
