import { describe, expect, it } from 'vitest'
import { LineReader } from '../../reader/line-reader.ts'
import { readLines, readOne } from './setup.ts'

/** The time that a line without a year and a zone has. */
const local = (year: number, month: number, day: number): number =>
  new Date(year, month - 1, day, 14, 0, 0, 123).getTime()

function readIn2026(line: string): object | undefined {
  const reader = new LineReader()
  reader.context.writtenAt = new Date(2026, 10, 29).getTime()
  return readLines([line], reader)[0]
}

describe('klog', () => {
  it('is read with its level, time, process and text', () => {
    expect(readIn2026('E1128 14:00:00.123000   12345 server.go:200] failed to list: timeout')).toMatchObject({
      format: 'klog',
      level: 'error',
      at: local(2026, 11, 28),
      isLocalTime: true,
      pid: 12_345,
      message: 'failed to list: timeout',
      isRequest: false,
    })
    expect(readIn2026('F1231 14:00:00.123000 1 a_b.go:2] bye')).toMatchObject({
      level: 'critical',
      at: local(2025, 12, 31),
    })
  })

  it('counts the requests of the API server', () => {
    const http = (verb: string, latency: string, status: number): string =>
      `I1128 14:00:00.123456       1 httplog.go:132] "HTTP" verb="${verb}" URI="/api/v1/pods?limit=5" latency="${latency}" userAgent="kubectl \\"1\\"" srcIP="10.0.0.1:4" resp=${status}`
    expect(readOne(http('GET', '12.5ms', 200))).toMatchObject({
      isRequest: true,
      method: 'GET',
      path: '/api/v1/pods',
      status: 200,
      latencyMs: 12.5,
      message: 'HTTP',
    })
    expect(readOne(http('LIST', '800µs', 503))).toMatchObject({ status: 503, latencyMs: 0.8 })
    expect(readOne(http('WATCH', '7m1.5s', 200))).toMatchObject({ isRequest: true, latencyMs: undefined })
  })

  it('keeps its own time and level, whatever pairs a line has', () => {
    const line = readIn2026(
      'W1128 14:00:00.123000 7 a.go:1] "Pod status" time="never" level="info" status="Running" pid="x"',
    )
    expect(line).toMatchObject({
      level: 'warning',
      at: local(2026, 11, 28),
      pid: 7,
      status: undefined,
      isRequest: false,
    })
  })

  it('is read within the line of a container runtime', () => {
    const [line] = readLines(['2026-11-28T14:00:00.5Z stderr F I1128 14:00:00.123000 1 a.go:1] started'])
    expect(line).toMatchObject({ format: 'klog', message: 'started' })
  })
})

describe('journald’s export format', () => {
  it.each([
    '__CURSOR=s=1;i=2;b=3',
    '__REALTIME_TIMESTAMP=1795874400000000',
    '_SYSTEMD_UNIT=shop.service',
    'PRIORITY=6',
    'MESSAGE=GET path=/o status=200 duration=5ms',
    'MESSAGE={"event":"http.request","status_code":500,"latency_ms":12}',
    '_CMDLINE=/usr/bin/shop --labels {"status":500}',
  ])('is named, and is no request: %s', (line) => {
    expect(new LineReader().read(line)).toMatchObject({ reason: 'journal-export', isMalformed: false })
  })
})
