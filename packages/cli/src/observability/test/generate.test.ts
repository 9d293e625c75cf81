import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { generate } from '../generate.ts'
import { duration, oneOf, quoted } from '../promql.ts'
import { shieldSeries } from '../service/series.ts'
import type { Service } from '../service/service.ts'

const SETTINGS = { job: 'shop', objective: 99.9, windowScale: 1 }

function serviceWith(...lines: readonly string[]): Service {
  return { name: 'shop', shields: [], errors: [], series: shieldSeries(lines.join('\n')) }
}

function panelsOf(service: Service): readonly string[] {
  const { files } = generate(service, SETTINGS)
  const { panels } = JSON.parse(files['dashboard.json'] as string) as { panels: { type: string; title: string }[] }
  return panels.filter(({ type }) => type !== 'row').map(({ title }) => title)
}

function alertsOf(service: Service): readonly { alert: string; expr: string }[] {
  const { files } = generate(service, SETTINGS)
  return (parse(files['rules.yml'] as string) as { groups: [{ rules: { alert: string; expr: string }[] }] }).groups[0]
    .rules
}

describe('what is generated', () => {
  it('has no panel and no alert for policies that the service does not have', () => {
    const none = serviceWith()
    expect(panelsOf(none)).toContain('Requests')
    expect(panelsOf(none).filter((title) => /breaker|retry|bulkhead|fallback|timeout|limiter/i.test(title))).toEqual([])
    expect(alertsOf(none).filter(({ expr }) => /breaker|bulkhead|fallback|limiter/.test(expr))).toEqual([])
    const limited = serviceWith(
      'escudo_rate_limiter_requests_total{escudo_shield="a",escudo_policy="rateLimiter",outcome="rejected"} 0',
    )
    expect(panelsOf(limited)).toContain('Rate limiter calls by outcome')
    expect(alertsOf(limited).map(({ alert }) => alert)).toContain('EscudoRateLimited')
  })

  it('counts the calls of a shield by their duration, where that metric exists', () => {
    const fallback = 'escudo_fallback_uses_total{escudo_shield="a",escudo_policy="fallback"} 0'
    const expression = (...lines: readonly string[]): string | undefined =>
      alertsOf(serviceWith(fallback, ...lines)).find(({ alert }) => alert === 'EscudoFallbackShare')?.expr
    expect(expression()).toBeUndefined()
    expect(expression('escudo_timeout_executions_total{escudo_shield="b",escudo_policy="t"} 0')).toBeUndefined()
    const timeout = 'escudo_timeout_executions_total{escudo_shield="a",escudo_policy="t"} 0'
    expect(expression(timeout)).toContain('rate(escudo_timeout_executions_total')
    const call = 'escudo_call_duration_seconds_count{escudo_shield="a",outcome="success"} 0'
    expect(expression(timeout, call)).toContain('rate(escudo_call_duration_seconds_count')
  })

  it('is the same each time, with numbered panels that fill the grid', () => {
    const service = serviceWith('escudo_circuit_breaker_state{escudo_shield="a",escudo_policy="b",state="open"} 0')
    const first = generate(service, SETTINGS)
    expect(generate(service, SETTINGS)).toEqual(first)
    const { panels, uid } = JSON.parse(first.files['dashboard.json'] as string) as {
      uid: string
      panels: { id: number; gridPos: { x: number; y: number; w: number } }[]
    }
    expect(uid).toBe('escudo-shop')
    expect(panels.map(({ id }) => id)).toEqual(panels.map((_, index) => index + 1))
    expect(new Set(panels.map(({ gridPos }) => `${gridPos.x},${gridPos.y}`)).size).toBe(panels.length)
    expect(panels.every(({ gridPos }) => gridPos.x + gridPos.w <= 24)).toBe(true)
  })

  it('takes its time once for each of many shields', () => {
    const series = Array.from({ length: 3_000 }, (_, index) => `s${index}`).flatMap((name) =>
      ['escudo_fallback_uses_total', ...Array(40).fill('escudo_circuit_breaker_state')].map((metric: string) => ({
        metric,
        labels: { escudo_shield: name, escudo_policy: 'p' },
      })),
    )
    const used = process.cpuUsage()
    generate({ name: 'many', shields: [], errors: [], series }, SETTINGS)
    expect(process.cpuUsage(used).user / 1_000).toBeLessThan(2_000)
  })

  it('keeps hostile names inside their strings', () => {
    const name = 'a"b\\c\nd|{{ $labels.x }}'
    const label = name.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    const series = shieldSeries(
      [
        `escudo_circuit_breaker_state{escudo_shield="${label}",escudo_policy="p",state="open"} 0`,
        `escudo_fallback_uses_total{escudo_shield="${label}",escudo_policy="p"} 0`,
      ].join('\n'),
    )
    expect(series.map(({ labels }) => labels['escudo_shield'])).toEqual([name, name])
    const service: Service = { name, shields: [{ name, policies: [], exported: true }], errors: [], series }
    const { files } = generate(service, { ...SETTINGS, job: name })
    const rules = (parse(files['rules.yml'] as string) as { groups: [{ rules: Record<string, never>[] }] }).groups[0]
      .rules
    expect(rules[0]?.['expr']).toContain(
      'escudo_shield!~"a\\"b\\\\\\\\c\\nd\\\\|\\\\{\\\\{ \\\\$labels\\\\.x \\\\}\\\\}"',
    )
    expect(rules[0]?.['labels']).toMatchObject({ service: name.replace('{{', '{{ "{{" }}') })
    expect(JSON.stringify(rules.at(-1))).toContain('{{ \\"{{\\" }} $labels.x }}')
    expect(files['README.md']).toContain('| a"b\\\\c d\\|{{ $labels.x }} |')
    expect(() => JSON.parse(files['dashboard.json'] as string)).not.toThrow()
    // The name of a job must not be read as a pattern.
    expect(files['dashboard.json']).not.toContain('job=~')
  })
})

describe('PromQL', () => {
  it.each([
    [3_600_000, '1h'],
    [5_400_000, '1h30m'],
    [36_000, '36s'],
    [600, '600ms'],
    [0.1, '1ms'],
    [259_200_000, '3d'],
  ])('writes %d ms as %s', (ms, text) => expect(duration(ms)).toBe(text))

  it('quotes strings and regular expressions', () => {
    expect(quoted('a"\\')).toBe('"a\\"\\\\"')
    expect(oneOf(['a.b', 'c'])).toBe('"a\\\\.b|c"')
  })
})
