import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ROOT } from '../tidy/repository.ts'
import { buildLibrary } from './library.ts'

const LIBRARY = join(ROOT, 'packages/escudo')

/** An empty project in which the library is installed from its tarball. */
export interface Project {
  readonly folder: string
  /** Where the library is installed. */
  readonly library: string
  /** Writes a program into the project, runs it and returns what it prints. */
  run(program: string, ...nodeOptions: readonly string[]): string
  remove(): void
}

/**
 * Builds and packs the library and installs it in an empty project.
 *
 * The build is not the one in `packages/escudo/dist`, which other tests and tools may read or write at the same time.
 *
 * @param packages what is installed beside the library, taken from this repository
 */
export async function installPacked(packages: readonly string[] = []): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), 'escudo-packed-'))
  const staged = join(folder, 'staged')
  for (const name of ['package.json', 'README.md', 'LICENSE']) cpSync(join(LIBRARY, name), join(staged, name))
  await buildLibrary(LIBRARY, join(staged, 'dist'))
  const npm = (...args: readonly string[]): void => {
    execFileSync('npm', [...args, '--silent', '--offline', '--ignore-scripts'], { cwd: folder, stdio: 'ignore' })
  }
  npm('pack', staged, '--pack-destination', folder)
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  npm('install', `./${tarball}`)
  rmSync(staged, { recursive: true })
  for (const name of packages) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
  return {
    folder,
    library: join(folder, 'node_modules/escudo'),
    run(program, ...nodeOptions) {
      writeFileSync(join(folder, 'program.js'), program)
      return execFileSync(process.execPath, [...nodeOptions, 'program.js'], { cwd: folder, encoding: 'utf8' })
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The manifest of the installed library. */
export function manifestOf({ library }: Project): {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>
  readonly dependencies: object
} {
  return JSON.parse(readFileSync(join(library, 'package.json'), 'utf8'))
}
