import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type ExtractorMessage,
  type IConfigFile,
} from '@microsoft/api-extractor'
import { type ApiModel, undocumented } from './documented.ts'

/** The public interface of a package, compared with its committed reports. */
export interface ApiCheck {
  /** The reports, one for each public subpath. */
  readonly reports: readonly string[]
  /** What is wrong; for a report that differs, also the differences. */
  readonly problems: readonly string[]
}

const SUFFIX = '.api.md'
const SILENT = { default: { logLevel: ExtractorLogLevel.None } }

/**
 * Compares the built declarations of each public subpath with its report in the folder `api` of the package.
 *
 * Reports public names without a doc comment, and public functions and classes without an example.
 *
 * @param update whether to write the reports instead of comparing them
 * @throws Error if a subpath has no built declarations
 */
export function checkApi(folder: string, update: boolean): ApiCheck {
  const target = join(folder, 'api')
  const temporary = mkdtempSync(join(tmpdir(), 'escudo-api-'))
  try {
    mkdirSync(target, { recursive: true })
    const configs = declarationsOf(folder).map(({ name, path }) => configOf(folder, path, name + SUFFIX, temporary))
    const [first, ...others] = configs
    if (first === undefined) throw new Error(`${folder}: no subpath has declarations`)
    const additionalEntryPoints = others.map(({ mainEntryPointFilePath }) => mainEntryPointFilePath)
    // One program for all subpaths: the compiler reads every declaration once.
    const compilerState = CompilerState.create(first, { additionalEntryPoints })
    const reports = configs.map(reportOf)
    const problems = configs.flatMap((config) => [
      ...extract(config, compilerState, update),
      ...undocumented(JSON.parse(readFileSync(config.apiJsonFilePath, 'utf8')) as ApiModel),
    ])
    const stale = readdirSync(target).filter((name) => name.endsWith(SUFFIX) && !reports.includes(name))
    if (update) for (const name of stale) rmSync(join(target, name))
    else problems.push(...stale.map((name) => `api/${name} belongs to no public subpath`))
    return { reports, problems: [...new Set(problems)] }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** Returns the declarations of each public subpath; `index` is the name of the package itself. */
function declarationsOf(folder: string): readonly { readonly name: string; readonly path: string }[] {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  }
  return Object.entries(manifest.exports).flatMap(([subpath, conditions]) => {
    if (typeof conditions === 'string') return []
    const path = join(folder, conditions['types'] ?? '')
    if (!path.endsWith('.d.ts') || !existsSync(path)) throw new Error(`${subpath}: no declarations at ${path}`)
    return [{ name: subpath === '.' ? 'index' : posix.normalize(subpath).replaceAll('/', '-'), path }]
  })
}

function configOf(folder: string, entry: string, reportFileName: string, temporary: string): ExtractorConfig {
  const configObject: IConfigFile = {
    projectFolder: folder,
    mainEntryPointFilePath: entry,
    newlineKind: 'lf',
    compiler: {
      overrideTsconfig: {
        compilerOptions: {
          target: 'ES2023',
          lib: ['ES2023'],
          module: 'NodeNext',
          types: ['node'],
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: true,
        },
        files: [entry],
      },
    },
    apiReport: { enabled: true, reportFileName, reportFolder: join(folder, 'api'), reportTempFolder: temporary },
    docModel: { enabled: true, apiJsonFilePath: join(temporary, `${reportFileName}.json`) },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
      extractorMessageReporting: SILENT,
      tsdocMessageReporting: SILENT,
    },
  }
  return ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
  })
}

function reportOf({ reportConfigs }: ExtractorConfig): string {
  return reportConfigs[0]?.fileName as string
}

/** Writes or compares one report. Returns the errors of the compiler and the differences. */
function extract(config: ExtractorConfig, compilerState: CompilerState, update: boolean): readonly string[] {
  const problems: string[] = []
  const messageCallback = (message: ExtractorMessage): void => {
    const { logLevel, messageId, text } = message
    const isProblem = logLevel === 'error' || messageId === 'console-api-report-diff'
    if (isProblem) problems.push(message.formatMessageWithLocation(config.projectFolder))
    if (messageId === 'console-api-report-not-copied') problems.push(`api/${reportOf(config)}: ${text.split('.')[0]}`)
    message.handled = true
  }
  Extractor.invoke(config, { localBuild: update, printApiReportDiff: !update, compilerState, messageCallback })
  return problems
}
