import { spawn } from 'node:child_process'
import { number } from '../matching/pattern.ts'
import { freePorts } from '../shop/free-ports.ts'
import { ROOT } from '../shop/program.ts'
import { type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'

// 4.6d: `npm run attack`, started as a user starts it.

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

function check(walk: Walk, run: Run, calls: number, form: RegExp): void {
  const answers = run.lines.filter((line) => LINE.test(line))
  const summary = run.lines.filter((line) => !LINE.test(line))
  walk.compare('exit code', 0, run.code)
  walk.compare('lines of calls', calls, answers.length)
  walk.compare(
    'numbers of these lines',
    numbers(calls),
    answers.map((line) => line.slice(0, 2)),
  )
  walk.compare('lines of calls in the required form', calls, answers.filter((line) => form.test(line)).length)
  walk.compare('lines of the summary', number(2), summary.length)
  walk.show(
    `npm run attack, ${calls} calls`,
    `${calls} lines, a summary, exit 0`,
    `${answers.length} lines, ${summary.join('; ')}`,
  )
}

export const attackRows: readonly Row[] = [
  scenario(
    '4.6d',
    'attack prints one line for each of 20 calls, a summary, and exits with 0',
    async (walk) => {
      const url = `http://localhost:${walk.target.ports.shop}/call-external`
      const run = await attack(['--url', url])
      check(walk, run, 20, /^\d{2} --> (200|502|503) \| \{.+\}$/)
      walk.compare('duration in ms, with 19 pauses of half a second', number(9_500, 20_000), Math.round(run.ms))
    },
    { lane: '4.6' },
  ),
  scenario(
    '4.6d',
    'attack prints an ERROR line for each call to a closed port and exits with 0',
    async (walk) => {
      const [closedPort] = await freePorts(1)
      const run = await attack([
        '--url',
        `http://localhost:${closedPort}/call-external`,
        '--calls',
        '3',
        '--interval',
        '10ms',
      ])
      check(walk, run, 3, /^\d{2} --> ERROR: .+$/)
    },
    { lane: 'cmd' },
  ),
]

function numbers(calls: number): readonly string[] {
  return Array.from({ length: calls }, (_, index) => String(index + 1).padStart(2, '0'))
}
