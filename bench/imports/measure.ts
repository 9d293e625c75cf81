import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What is installed beside the library. */
export const PACKAGES = ['fastify', 'pino', 'cockatiel', 'opossum'] as const

/** A program that only imports. */
export interface Case {
  readonly name: string
  readonly imports: readonly string[]
  /** The case to subtract; default: the empty program. */
  readonly over?: string
  readonly goalMs?: number
}

const EMPTY = 'an empty program'

/** Fastify is measured alone too: a program that imports its adapter has imported Fastify itself. */
export const CASES: readonly Case[] = [
  { name: EMPTY, imports: [] },
  { name: 'escudo', imports: ['escudo'], goalMs: 15 },
  { name: 'cockatiel', imports: ['cockatiel'] },
  { name: 'opossum', imports: ['opossum'] },
  { name: 'escudo/errors', imports: ['escudo/errors'] },
  { name: 'escudo/http', imports: ['escudo/http'] },
  { name: 'escudo/telemetry', imports: ['escudo/telemetry'] },
  { name: 'fastify', imports: ['fastify'] },
  { name: 'fastify and escudo/fastify', imports: ['fastify', 'escudo/fastify'], over: 'fastify', goalMs: 30 },
  { name: 'escudo/fastify, with the fastify that it imports', imports: ['escudo/fastify'] },
]

/** How long a case takes beyond its baseline, in each round. */
export interface Measured extends Case {
  readonly overName: string
  /** Wall-clock time of the whole process, in milliseconds. */
  readonly wallMs: readonly number[]
  /** Processor time of the process, all threads, in milliseconds. */
  readonly cpuMs: readonly number[]
}

/** Runs each case once a round, each round beginning with another case, and subtracts the baseline of that round. */
export function measureImports(folder: string, cases: readonly Case[], rounds: number): readonly Measured[] {
  const samples = new Map(cases.map(({ name }) => [name, { wallMs: [] as number[], cpuMs: [] as number[] }]))
  for (const [index, { imports }] of cases.entries())
    writeFileSync(join(folder, `case-${index}.mjs`), programOf(imports))
  // The first round only reads the files from disk.
  for (let round = -1; round < rounds; round += 1) {
    for (let step = 0; step < cases.length; step += 1) {
      const index = (step + Math.max(0, round)) % cases.length
      const { wallMs, cpuMs } = runOnce(folder, `case-${index}.mjs`)
      const sample = samples.get(cases[index]?.name as string)
      if (round < 0 || sample === undefined) continue
      sample.wallMs.push(wallMs)
      sample.cpuMs.push(cpuMs)
    }
  }
  return cases.map((one) => {
    const overName = one.over ?? EMPTY
    const own = samples.get(one.name)
    const base = samples.get(one.name === EMPTY ? '' : overName)
    const beyond = (unit: 'wallMs' | 'cpuMs'): readonly number[] =>
      (own?.[unit] ?? []).map((value, round) => value - (base?.[unit][round] ?? 0))
    return { ...one, overName, wallMs: beyond('wallMs'), cpuMs: beyond('cpuMs') }
  })
}

function programOf(imports: readonly string[]): string {
  const lines = imports.map((name) => `import '${name}'`)
  return [...lines, 'const { user, system } = process.cpuUsage()\nprocess.stdout.write(String(user + system))'].join(
    '\n',
  )
}

function runOnce(folder: string, program: string): { readonly wallMs: number; readonly cpuMs: number } {
  const startedMs = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], {
    cwd: folder,
    encoding: 'utf8',
    // A cache of compiled code would hide what a first start costs.
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1', NODE_OPTIONS: '' },
  })
  const wallMs = performance.now() - startedMs
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`)
  return { wallMs, cpuMs: Number(stdout) / 1_000 }
}
