import type { Finding } from './finding.ts'
import type { SourceFile } from './source-file.ts'

/** The files and scripts that documents may refer to. */
export interface Known {
  /** The paths of all files of the repository. */
  readonly paths: ReadonlySet<string>
  /** The script names of the root `package.json`. */
  readonly scripts: readonly string[]
}

const SCRIPT = /\bnpm run ([\w:-]+)/g
const CODE_PATH = /`([\w.-]+(?:\/[\w.-]+)+\.(?:ts|mjs|js))`/g
/** Only in these documents must every path exist. Others also name files that the reader will write. */
const GUIDES = ['ARCHITECTURE.md', 'CONTRIBUTING.md']
const LIBRARY = 'packages/escudo/src/'

/** Finds npm scripts, and in the guides of the sources also paths in code spans, that do not exist. */
export function deadReferences(documents: readonly SourceFile[], { paths, scripts }: Known): Finding[] {
  return documents.flatMap(({ path: file, text }) =>
    text.split('\n').flatMap((content, index) => {
      const missingScripts = found(content, SCRIPT).filter((name) => !scripts.includes(name))
      const named = GUIDES.includes(file) ? found(content, CODE_PATH) : []
      const missingPaths = named.filter((name) => !paths.has(name) && !paths.has(LIBRARY + name))
      const problems = [
        ...missingScripts.map((name) => `there is no script '${name}'`),
        ...missingPaths.map((name) => `there is no source '${name}'`),
      ]
      return problems.map((problem) => ({ file, line: index + 1, problem }))
    }),
  )
}

function found(line: string, pattern: RegExp): string[] {
  return [...line.matchAll(pattern)].map(([, group]) => group as string)
}
