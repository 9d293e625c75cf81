import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData, type Problem } from '@arethetypeswrong/core'
import { problemKindInfo } from '@arethetypeswrong/core/problems'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

/** The ways to resolve an import that a package of ES modules only does not support. */
const UNSUPPORTED = ['node10', 'node16-cjs']

/** Packs a package as npm publishes it and returns what publint and are-the-types-wrong report, one problem a line. */
export async function packedProblems(folder: string): Promise<readonly string[]> {
  const tarball = pack(folder)
  const { messages, pkg } = await publint({ pack: { tarball: tarball.slice().buffer } })
  const analysis = await checkPackage(createPackageFromTarballData(tarball))
  // A package of programs exports no module, so it needs no declarations.
  const exportsModules = Object.keys(pkg['exports'] ?? { '.': null }).some((name) => !name.endsWith('.json'))
  return [
    ...messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`),
    ...(analysis.types ? analysis.problems.filter(isSupported).map(textOf) : []),
    ...(exportsModules && !analysis.types ? ['types: the package has none'] : []),
  ]
}

function pack(folder: string): Uint8Array<ArrayBuffer> {
  const destination = mkdtempSync(join(tmpdir(), 'escudo-pack-'))
  try {
    execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', destination], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    return new Uint8Array(readFileSync(join(destination, readdirSync(destination)[0] as string)))
  } finally {
    rmSync(destination, { recursive: true, force: true })
  }
}

function isSupported(problem: Problem): boolean {
  return !('resolutionKind' in problem && UNSUPPORTED.includes(problem.resolutionKind))
}

function textOf(problem: Problem): string {
  const place = 'entrypoint' in problem ? `${problem.entrypoint} (${problem.resolutionKind})` : ''
  const file = 'typesFileName' in problem ? problem.typesFileName : 'fileName' in problem ? problem.fileName : ''
  return `types: ${problemKindInfo[problem.kind].title}: ${place}${file}`
}
