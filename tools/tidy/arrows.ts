import { posix } from 'node:path'
import type { Finding } from './finding.ts'
import { type Import, importsOf } from './imports.ts'
import { isTest, type SourceFile } from './source-file.ts'

/** What the library's manifest says of itself. */
export interface LibraryFaces {
  /** What may stand in an import: `escudo`, `escudo/http`. */
  readonly subpaths: readonly string[]
  /** Packages that a user may bring. */
  readonly peers: readonly string[]
}

const LIBRARY = 'packages/escudo/src/'

/** Which folders of the library a folder may import besides itself. What a folder is not named here for is refused. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  core: ['errors'],
  mechanisms: ['errors', 'core'],
  policies: ['errors', 'core', 'mechanisms'],
  http: ['errors', 'core', 'mechanisms', 'policies'],
  server: ['errors', 'core', 'mechanisms', 'policies'],
  telemetry: ['errors', 'core'],
  testing: ['errors', 'core'],
  // src/index.ts: the face `escudo`. Everything else has a face of its own.
  '': ['errors', 'core', 'mechanisms', 'policies'],
}

/** Folders that run wherever there are web standards. */
const ANY_RUNTIME = ['', 'errors', 'core', 'mechanisms', 'policies', 'http']

/** Folders whose files may be written for a package that the user brings. */
const FOR_PEERS = ['server', 'telemetry']

/** Imports that point the wrong way. */
export function wrongArrows(files: readonly SourceFile[], library: LibraryFaces): Finding[] {
  return files
    .filter(({ path }) => /\.m?[jt]s$/.test(path))
    .flatMap((file) =>
      importsOf(file).flatMap((one) => {
        const problem = problemOf(file.path, one, library)
        return problem === undefined ? [] : [{ file: file.path, line: one.line, problem }]
      }),
    )
}

function problemOf(path: string, one: Import, library: LibraryFaces): string | undefined {
  const target = targetOf(path, one.specifier)
  if (path.startsWith('packages/escudo/')) {
    if (target !== undefined && !target.startsWith('packages/escudo/')) {
      return `the library imports nothing outside of itself, and this is ${target}`
    }
    return isTest(path) || !path.startsWith(LIBRARY) ? undefined : problemInLibrary(path, one, target, library)
  }
  return isUser(path) ? problemOfUser(one, target, library) : undefined
}

/** Those who use the library as anybody would. Tests of the root and benchmarks may look behind the faces. */
function isUser(path: string): boolean {
  return ['examples/', 'packages/', 'tools/', 'docs/'].some((folder) => path.startsWith(folder))
}

function problemOfUser({ specifier }: Import, target: string | undefined, library: LibraryFaces): string | undefined {
  if (target?.startsWith('packages/escudo/'))
    return `import the library by its name and a public subpath, not ${target}`
  if (!/^escudo(\/|$)/.test(specifier) || library.subpaths.includes(specifier)) return undefined
  return `'${specifier}' is no public subpath; there are ${library.subpaths.join(', ')}`
}

function problemInLibrary(
  path: string,
  { specifier, dynamic }: Import,
  target: string | undefined,
  library: LibraryFaces,
): string | undefined {
  const from = folderOf(path)
  if (target !== undefined) {
    const to = folderOf(target)
    const allowed = MAY_IMPORT[from]
    if (allowed === undefined) return `the folder '${from}' is no layer; add it to the rules or move the file`
    if (from === to && from !== '') return undefined
    if (allowed.includes(to)) return undefined
    return `${from || 'index.ts'} may import ${allowed.join(', ') || 'nothing'}, and this is ${to || 'index.ts'}`
  }
  if (specifier.startsWith('node:')) {
    const refused = !dynamic && ANY_RUNTIME.includes(from)
    return refused
      ? `'${specifier}': ${from || 'index.ts'} runs where there is no Node; look it up at run time`
      : undefined
  }
  if (FOR_PEERS.includes(from) && library.peers.includes(packageOf(specifier))) return undefined
  return `'${specifier}': the library has no dependencies; a peer may be imported in ${FOR_PEERS.join(' and ')} only`
}

/** The file that a relative import means, from the root; undefined for a package. */
function targetOf(path: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined
}

/** `core` for `packages/escudo/src/core/engine/call.ts`, and '' for what stands beside the folders. */
function folderOf(path: string): string {
  const inside = path.slice(LIBRARY.length)
  return inside.includes('/') ? inside.slice(0, inside.indexOf('/')) : ''
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}
