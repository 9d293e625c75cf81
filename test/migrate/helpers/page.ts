import { readFileSync } from 'node:fs'
import { type Snippet, snippetsOf } from '../../../tools/snippets/extract.ts'
import { ROOT } from '../../shop/helpers/processes.ts'

/** A page about the migration from another library. */
export interface MigrationPage {
  /** The examples, in pairs: the other library's first, then escudo's. */
  readonly examples: readonly (readonly [theirs: Snippet, ours: Snippet])[]
  /** The names in the first column of the tables under "Every name", by the heading of the table. */
  readonly names: ReadonlyMap<string, readonly string[]>
  /** The code in the columns of escudo, of all tables. */
  readonly equals: readonly string[]
}

/** Reads `docs/migrate/<library>.md`. */
export function migrationPage(library: string): MigrationPage {
  const path = `docs/migrate/${library}.md`
  const text = readFileSync(`${ROOT}/${path}`, 'utf8')
  const snippets = snippetsOf({ path, text })
  const examples = snippets.flatMap((ours, index): [Snippet, Snippet][] => {
    const theirs = snippets[index - 1]
    return index % 2 === 1 && theirs !== undefined ? [[theirs, ours]] : []
  })
  if (examples.length * 2 !== snippets.length) throw new Error(`${path}: an example without its pair`)
  return { examples, names: namesOf(text.split('\n## Every name\n')[1] ?? ''), equals: equalsOf(text) }
}

function namesOf(text: string): ReadonlyMap<string, readonly string[]> {
  const sections = text.split('\n### ').slice(1)
  return new Map(
    sections.map((section) => {
      const lines = section.split('\n')
      const names = lines.flatMap((line) => {
        const cell = /^\| ([^|]+) \|/.exec(line)?.[1] ?? ''
        return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
      })
      return [lines[0] ?? '', names]
    }),
  )
}

function equalsOf(text: string): readonly string[] {
  return [...text.matchAll(/^\|(.+)\|$/gm)].flatMap(([, row = '']) => {
    const cells = row.split(/(?<!\\)\|/)
    const ours = cells.slice(cells.length / 2).join('|')
    return [...ours.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
  })
}

/** What the comments after `console.log` say that an example prints, one line each. */
export function promisedOutput({ code }: Snippet): string {
  return [...code.matchAll(/^ *console\.log\(.*\) \/\/ (.+)$/gm)].map(([, line]) => `${line}\n`).join('')
}
