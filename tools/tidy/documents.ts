import { posix } from 'node:path'
import type { Finding } from './finding.ts'
import type { SourceFile } from './source-file.ts'

/** The files and scripts that documents may refer to. */
export interface Known {
  /** The paths of all files of the repository. */
  readonly paths: ReadonlySet<string>
  /** The script names of the root `package.json`. */
  readonly scripts: readonly string[]
}

const LINK = /(?<!!)\[[^\]]*\]\(([^)\s]+)\)/g
const SCRIPT = /\bnpm run ([\w:-]+)/g
const CODE_PATH = /`([\w.-]+(?:\/[\w.-]+)+\.(?:ts|mjs|js))`/g
/** Only in this document must every code path exist. Other documents also name files that the reader will write. */
const ARCHITECTURE = 'ARCHITECTURE.md'
const LIBRARY = 'packages/escudo/src/'

/**
 * Finds references in documents whose target does not exist.
 *
 * Checks links to files and headings, npm scripts, and in ARCHITECTURE.md also paths of sources.
 */
export function deadReferences(documents: readonly SourceFile[], known: Known): Finding[] {
  const headings = new Map(documents.map((document) => [document.path, anchorsOf(document.text)]))
  return documents.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const problems = [
        ...found(line, LINK).map((target) => linkProblem(path, target, known, headings)),
        ...found(line, SCRIPT).map((name) =>
          known.scripts.includes(name) ? undefined : `there is no script '${name}'`,
        ),
        ...(path === ARCHITECTURE ? found(line, CODE_PATH).map((name) => sourceProblem(name, known)) : []),
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
  if (!paths.has(linked)) return `there is no file '${linked}'`
  const anchors = headings.get(linked)
  return anchor === undefined || anchors === undefined || anchors.has(anchor)
    ? undefined
    : `there is no heading '#${anchor}'`
}

function sourceProblem(name: string, { paths }: Known): string | undefined {
  return paths.has(name) || paths.has(LIBRARY + name) ? undefined : `there is no source '${name}'`
}

/** Returns the anchors of a document's headings, built by GitHub's rules. */
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
