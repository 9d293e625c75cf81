import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A public subpath of a package: the source it starts from, and the name of its built file. */
export interface Entry {
  /** As in `exports`: `.` or `./errors`. */
  readonly subpath: string
  /** The path of the source, relative to the folder of the package. */
  readonly source: string
  /** The path of the built file inside `dist`, without `.js`. */
  readonly name: string
}

const BUILT = /^\.\/dist\/(.+)\.js$/

/**
 * Returns the public subpaths of a package, as `exports` in its package.json lists them.
 *
 * @throws Error if a subpath has no source, or if its file or its types are not where the build writes them
 */
export function entriesOf(folder: string): readonly Entry[] {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  }
  return Object.entries(manifest.exports).flatMap(([subpath, conditions]) => {
    if (typeof conditions === 'string') return []
    const { '@escudo/source': source, types, default: file = '' } = conditions
    const name = BUILT.exec(file)?.[1]
    if (name === undefined) throw new Error(`exports["${subpath}"].default: expected ./dist/….js, got '${file}'`)
    const expected = { source: `./src/${name}.ts`, types: `./dist/${name}.d.ts` }
    if (source !== expected.source) throw new Error(`exports["${subpath}"]: expected the source ${expected.source}`)
    if (types !== expected.types) throw new Error(`exports["${subpath}"].types: expected ${expected.types}`)
    return [{ subpath, source, name }]
  })
}
