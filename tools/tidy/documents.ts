import { posix } from 'node:path'
import type { Finding } from './finding.ts'
import type { SourceFile } from './source-file.ts'

/** What documents may refer to. */
export interface Known {
  /** Every file of the repository, by its path. */
  readonly paths: ReadonlySet<string>
  /** The scripts of the root's manifest. */
  readonly scripts: readonly string[]
}

const LINK = /(?<!!)\[[^\]]*\]\(([^)\s]+)\)/g
const SCRIPT = /\bnpm run ([\w:-]+)/g
const CODE_PATH = /`([\w.-]+(?:\/[\w.-]+)+\.(?:ts|mjs|js))`/g
/** A document that maps the code: what it names must be there. Others name files that a reader is to write. */
const MAP = 'ARCHITECTURE.md'
const LIBRARY = 'packages/escudo/src/'

/** References of documents that lead nowhere: links to files and headings, npm scripts, and in the map sources. */
export function deadReferences(documents: readonly SourceFile[], known: Known): Finding[] {
  const headings = new Map(documents.map((document) => [document.path, anchorsOf(document.text)]))
  return documents.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const problems = [
        ...found(line, LINK).map((target) => linkProblem(path, target, known, headings)),
        ...found(line, SCRIPT).map((name) => (known.scripts.includes(name) ? undefined : `no script '${name}'`)),
        ...(path === MAP ? found(line, CODE_PATH).map((name) => sourceProblem(name, known)) : []),
      ]
      return problems.flatMap((problem) => (problem === undefined ? [] : [{ file: path, line: index + 1, problem }]))
    }),
  )
}

function found(line: string, pattern: RegExp): string[] {
  return [...line.matchAll(pattern)].map(([, group]) => group as string)
}

function linkProblem(
  path: string,
  target: string,
  { paths }: Known,
  headings: ReadonlyMap<string, ReadonlySet<string>>,
): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/.test(target)) return undefined
  const [file = '', anchor] = target.split('#', 2)
  const linked = file === '' ? path : posix.join(posix.dirname(path), file)
  if (!paths.has(linked)) return `no file '${linked}'`
  const there = headings.get(linked)
  return anchor === undefined || there === undefined || there.has(anchor) ? undefined : `no heading '#${anchor}'`
}

function sourceProblem(name: string, { paths }: Known): string | undefined {
  return paths.has(name) || paths.has(LIBRARY + name) ? undefined : `no source '${name}'`
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const titles = [...text.matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, title]) => title as string)
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(/\s/g, '-'),
    ),
  )
}
