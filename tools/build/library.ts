import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import { compile } from './compile.ts'
import { droppable } from './droppable.ts'
import { entriesOf } from './entries.ts'

/** What the build wrote. */
export interface Built {
  /** The built files of the public subpaths, relative to the output folder. */
  readonly entries: readonly string[]
  /** The files that several subpaths share. */
  readonly chunks: readonly string[]
  /** The size of all these files together, without source maps. */
  readonly bytes: number
}

/**
 * Builds a package: one file for each public subpath, shared chunks, source maps and declarations.
 *
 * Removes what the folder contained before.
 *
 * @param folder the folder of the package
 * @param outDir where to write; default: `dist` in that folder
 * @throws Error if a source cannot be compiled
 */
export async function buildLibrary(folder: string, outDir: string = join(folder, 'dist')): Promise<Built> {
  const built = await bundle(folder, outDir)
  declare(folder, outDir)
  return built
}

async function bundle(folder: string, dir: string): Promise<Built> {
  const input = Object.fromEntries(entriesOf(folder).map(({ name, source }) => [name, source]))
  const bundler = await rolldown({
    cwd: folder,
    input,
    platform: 'neutral',
    tsconfig: join(folder, 'tsconfig.json'),
    transform: { target: 'es2023' },
    external: (id, importer) => importer !== undefined && !id.startsWith('.') && !isAbsolute(id),
    // How long the build takes says nothing about its result.
    checks: { bundlerTimings: false },
    onLog: (_level, log) => {
      throw new Error(log.message)
    },
    plugins: [droppable(), subpathImports(folder, input)],
  })
  try {
    const { output } = await bundler.write({
      dir,
      cleanDir: true,
      format: 'es',
      sourcemap: true,
      // As seen from `dist` in the folder of the package, wherever the files are written.
      sourcemapPathTransform: (source, map) =>
        relative(join(folder, 'dist', relative(dir, dirname(map))), resolve(dirname(map), source)).replaceAll(
          '\\',
          '/',
        ),
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name].js',
      minifyInternalExports: false,
      // The declarations have the doc comments. Here each import would read them, a third of all bytes.
      comments: { legal: true, annotation: true, jsdoc: false },
      codeSplitting: { groups: SHARED },
    })
    const chunks = output.filter((file) => file.type === 'chunk')
    return {
      entries: chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName),
      chunks: chunks.filter(({ isEntry }) => !isEntry).map(({ fileName }) => fileName),
      bytes: chunks.reduce((bytes, { code }) => bytes + Buffer.byteLength(code), 0),
    }
  } finally {
    await bundler.close()
  }
}

/**
 * The chunks that most subpaths share. What else is shared, the bundler divides by the subpaths that need it.
 *
 * Loading a file costs a millisecond, so there are few: `errors`, which clients load alone, and the rest. These layers
 * import no package, so that no subpath loads the peer of another.
 */
const SHARED = [
  { name: 'errors', priority: 1, test: /[\\/]src[\\/]errors[\\/]/, minShareCount: 2 },
  { name: 'core', priority: 0, test: /[\\/]src[\\/](?:core|policies)[\\/]/, minShareCount: 2 },
  // All loggers and the log shipper need both, metrics one of them.
  { name: 'lost-lines', priority: 0, test: /[\\/]telemetry[\\/](?:lost-lines|flush-at-end)\.ts$/, minShareCount: 2 },
  // The levers over HTTP, which all adapters have.
  { name: 'admin', priority: 0, test: /server[\\/]admin[\\/](?!errors|any-schema)/, minShareCount: 2 },
  // The idempotency keys of all adapters but Nest's.
  { name: 'idempotency', priority: 0, test: /server[\\/]idempotency[\\/]/, minShareCount: 2 },
  // Two small parts of nearly all adapters.
  {
    name: 'adapter',
    priority: 0,
    test: /server[\\/](?:adapter-options|node[\\/]request-scheme)\.ts$/,
    minShareCount: 2,
  },
  // Small parts that most adapters need, and some of them OpenAPI too.
  {
    name: 'server',
    priority: 0,
    test: /server[\\/](?:(?:plugin|body-parser|multipart)-errors|contract-option|admin[\\/](?:errors|any-schema))\.ts$/,
    minShareCount: 2,
  },
]

/**
 * Lets a subpath that uses a whole other one import its built file.
 *
 * The bundler would move the other one into a chunk, and what remains would be one more file for its users to load.
 */
function subpathImports(folder: string, input: Readonly<Record<string, string>>): Plugin {
  const names = new Map(Object.entries(input).map(([name, source]) => [resolve(folder, source), name]))
  return {
    name: 'subpath-imports',
    resolveId: (id, importer) => {
      if (importer === undefined || !id.startsWith('.')) return null
      const name = names.get(resolve(dirname(importer), id))
      // The file of an entry may be in the output folder itself, where the path would be wrong.
      return name === undefined || names.has(importer) ? null : { id: `../${name}.js`, external: true }
    },
  }
}

/** Writes one declaration file for each source. */
function declare(folder: string, outDir: string): void {
  compile('-p', folder, '--outDir', outDir)
}
