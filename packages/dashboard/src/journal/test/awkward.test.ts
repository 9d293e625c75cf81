import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { summarize } from '../../report/summary.ts'
import { writeAwkwardLog } from '../../test/awkward-log.ts'
import { LogFiles } from '../log-files.ts'

const LINES = Number(process.env['ESCUDO_AWKWARD_LINES'] ?? 60_000)

it.each([1, 2])(
  'counts every generated line as its generator did, awkward ones among them (seed %i)',
  async (seed) => {
    const folder = await mkdtemp(join(tmpdir(), 'escudo-awkward-'))
    try {
      const path = join(folder, 'all.log')
      const truth = await writeAwkwardLog(path, LINES, seed)
      const files = new LogFiles([path])
      await files.readAll()
      const summary = summarize(files)
      await files.end()
      expect(summary.lines).toMatchObject({
        read: truth.read,
        recognised: truth.recognised,
        malformed: truth.malformed,
        late: 0,
        ahead: 0,
      })
      expect(summary.requests).toBe(truth.requests)
      expect(summary.by_status).toEqual(truth.byStatus)
      expect(summary.latency_ms.mean).toBeCloseTo(truth.latencyMsSum / truth.latencies, 6)
      expect(files.journal.named.total.latency.total).toBe(truth.latencies)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  120_000,
)
