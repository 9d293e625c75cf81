// Loaded into every Node process of the benchmark with --import: reports the processor time and records profiles.
import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { answer } from './channel.ts'

/** What a process has used since its start. */
export interface Usage {
  /** Processor time of the whole process, collections included. */
  readonly cpuUs: number
  readonly rssBytes: number
  /** Undefined if the process is not Node. */
  readonly heapBytes: number | undefined
}

const SAMPLE_US = 200

let session: Session | undefined

answer('usage', (): Usage => {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return { cpuUs: user + system, rssBytes: rss, heapBytes: heapUsed }
})

answer('profile-start', async () => {
  session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US })
  await session.post('Profiler.start')
})

answer('profile-stop', async (path: string) => {
  const stopped = await session?.post('Profiler.stop')
  session?.disconnect()
  session = undefined
  await writeFile(path, JSON.stringify(stopped?.profile))
})
