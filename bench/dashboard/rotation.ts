import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LogFiles } from '../../packages/dashboard/src/journal/log-files.ts'
import { summarize } from '../../packages/dashboard/src/report/summary.ts'

const RENAMES = 1_000
const LINES_PER_FILE = 20
const POLL_MS = 20

/** How many lines were not counted, and how many twice. */
export interface Rotated {
  readonly lost: number
  readonly twice: number
}

/** Follows a log that another process renames a thousand times while it writes. */
export async function measureRotation(folder: string): Promise<Rotated> {
  await mkdir(folder)
  const path = join(folder, 'app.log')
  const files = new LogFiles([`${path}*`])
  const args = [
    '--conditions=@escudo/source',
    'bench/dashboard/rotation-writer.ts',
    path,
    `${RENAMES}`,
    `${LINES_PER_FILE}`,
  ]
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const closed = once(writer, 'close')
  while (writer.exitCode === null && writer.signalCode === null) {
    files.search()
    await files.poll()
    await delay(POLL_MS)
  }
  await closed
  files.search()
  await files.poll()
  await files.poll()
  const { by_route } = summarize(files)
  await files.end()
  await rm(folder, { recursive: true })
  const counts = new Map(by_route.map(({ route, requests }) => [route, requests]))
  const differences = Array.from({ length: RENAMES + 1 }, (_, file) => (counts.get(`/r${file}`) ?? 0) - LINES_PER_FILE)
  const sum = (sign: number): number => differences.reduce((all, one) => all + Math.max(0, sign * one), 0)
  return { lost: sum(-1), twice: sum(1) }
}
