import { spawn } from 'node:child_process'
import { number } from '../matching/pattern.ts'
import { freePorts } from '../shop/free-ports.ts'
import { ROOT } from '../shop/program.ts'
import { type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'

// 4.6d: the command that attacks the shop, as a person would start it.

const LIMIT_MS = 30_000
const LINE = /^(\d{2,}) --> (\d{3} \| .+|ERROR: .+)$/

interface Run {
  readonly code: number | null
  readonly lines: readonly string[]
  readonly ms: number
}

function attack(args: readonly string[]): Promise<Run> {
  const started = performance.now()
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', 'attack', '--', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    })
    let text = ''
    for (const channel of [child.stdout, child.stderr]) {
      channel.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
    }
    const end = (code: number | null): void =>
      resolve({ code, lines: text.split('\n').filter((line) => line !== ''), ms: performance.now() - started })
    child.once('error', (error) => {
      text += error.message
      end(null)
    })
    child.once('close', end)
  })
}

function judge(walk: Walk, run: Run, calls: number, like: RegExp): void {
  const answers = run.lines.filter((line) => LINE.test(line))
  const rest = run.lines.filter((line) => !LINE.test(line))
  walk.compare('exit code', 0, run.code)
  walk.compare('lines of calls', calls, answers.length)
  walk.compare(
    'their numbers',
    numbers(calls),
    answers.map((line) => line.slice(0, 2)),
  )
  walk.compare('lines of calls of the right form', calls, answers.filter((line) => like.test(line)).length)
  walk.compare('lines of the summary', number(2), rest.length)
  walk.show(
    `npm run attack, ${calls} calls`,
    `${calls} lines, a summary, exit 0`,
    `${answers.length} lines, ${rest.join('; ')}`,
  )
}

export const attackRows: readonly Row[] = [
  scenario(
    '4.6d',
    '20 calls half a second apart, one line each, a summary, exit 0',
    async (walk) => {
      const url = `http://localhost:${walk.target.ports.shop}/call-external`
      const run = await attack(['--url', url])
      judge(walk, run, 20, /^\d{2} --> (200|502|503) \| \{.+\}$/)
      walk.compare('ms for 19 pauses of half a second', number(9_500, 20_000), Math.round(run.ms))
    },
    { lane: '4.6' },
  ),
  scenario(
    '4.6d',
    'nobody there: an ERROR line for each call, and still exit 0',
    async (walk) => {
      const [nobody] = await freePorts(1)
      const run = await attack([
        '--url',
        `http://localhost:${nobody}/call-external`,
        '--calls',
        '3',
        '--interval',
        '10ms',
      ])
      judge(walk, run, 3, /^\d{2} --> ERROR: .+$/)
    },
    { lane: 'cmd' },
  ),
]

function numbers(calls: number): readonly string[] {
  return Array.from({ length: calls }, (_, index) => String(index + 1).padStart(2, '0'))
}
