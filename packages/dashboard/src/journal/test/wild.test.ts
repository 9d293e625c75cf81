import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { summarize } from '../../report/summary.ts'
import { LogFiles } from '../log-files.ts'

interface Expected {
  readonly file: string
  readonly expect: {
    readonly requests: number
    readonly status?: Readonly<Record<string, number>>
    readonly at?: number
    readonly path?: string
    readonly level?: string
    readonly service?: string
    readonly trace?: string
    readonly latency_ms_mean?: number
  }
}

const folder = fileURLToPath(new URL('../../lines/test/wild/', import.meta.url))
const cases = Object.entries(JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) as Record<string, Expected>)

/** The format that the dashboard names for each file. */
const FORMATS: Readonly<Record<string, string>> = {
  aws_alb: 'aws-load-balancer',
  bunyan_restify: 'bunyan',
  caddy: 'caddy',
  common_log_apache: 'common',
  dd_nested: 'datadog',
  docker_json_file: 'escudo in docker',
  echo: 'echo',
  ecs_flat: 'ecs',
  ecs_nested_spring34: 'ecs',
  envoy_istio_strings: 'envoy',
  envoy_json_numbers: 'envoy',
  fastify: 'pino',
  gelf: 'gelf',
  journald: 'escudo in journald',
  k8s_cri: 'escudo in cri',
  logback_logstash: 'logstash',
  morgan_combined: 'combined',
  nginx_json_iso_strings: 'nginx',
  nginx_json_strings: 'nginx',
  otlp_json: 'otlp',
  pino_default: 'pino',
  pino_http: 'pino',
  python_json_logger: 'python',
  rails_lograge: 'lograge',
  serilog_clef: 'serilog',
  slog_duration_ns: 'slog',
  structlog_fastapi: 'structlog',
  structlog_flat: 'structlog',
  winston_express: 'winston',
  zap_duration_key: 'zap',
  zap_seconds: 'zap',
  zerolog_hlog: 'zerolog',
}

describe('logs as loggers and servers write them', () => {
  it.each(cases)('reads %s', async (name, { file, expect: wanted }) => {
    const files = new LogFiles([`${folder}${file}`])
    await files.readAll()
    const summary = summarize(files)
    const tail = files.journal.tail.items
    await files.end()
    const [source] = summary.files
    expect(source).toMatchObject({ format: FORMATS[name], unread: null })
    expect(source?.recognised).toBe(source?.read)
    expect(summary.requests).toBe(wanted.requests)
    if (wanted.status !== undefined) expect(summary.by_status).toEqual(wanted.status)
    if (wanted.latency_ms_mean !== undefined) {
      const mean = summary.latency_ms.mean ?? Number.NaN
      expect(Math.abs(mean - wanted.latency_ms_mean)).toBeLessThanOrEqual(wanted.latency_ms_mean * 0.005)
    }
    if (wanted.service !== undefined) expect(Object.keys(summary.by_service)).toEqual([wanted.service])
    if (wanted.level !== undefined)
      expect([...new Set(tail.map(({ level }) => level))].join('/')).toContain(wanted.level.split('/')[0])
    if (wanted.trace !== undefined) expect(tail.map(({ traceId }) => traceId)).toContain(wanted.trace)
    if (wanted.at !== undefined) expect(tail[0]?.at).toBe(wanted.at)
    if (wanted.path !== undefined) expect(tail[0]?.text).toContain(wanted.path)
    // All lines were written at about 14:00 on this day, one of them without a zone.
    const written = name === 'python_json_logger' ? new Date(2026, 10, 28, 14).getTime() : Date.UTC(2026, 10, 28, 14)
    for (const { at } of tail) expect(Math.abs(at - written)).toBeLessThan(2_000)
    expect(source?.untimed).toBe(0)
  })
})
