import { absent, including, number, oneOf, text } from '../matching/pattern.ts'
import type { Dependency } from '../walk/dependency.ts'
import { type Expectation, ok } from '../walk/expectation.ts'
import { type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'
import type { Answer } from '../wire/answer.ts'
import { get, put, request, type WireRequest } from '../wire/request.ts'

// The fault switch of each dependency service: every valid form, and the bodies that it rejects.

const TARGETS: readonly { readonly service: Dependency; readonly path: string }[] = [
  { service: 'flaky', path: '/slow/x?ms=0' },
  { service: 'product', path: '/products/mana-potion' },
  { service: 'inventory', path: '/inventory/mana-potion' },
]

/** The lane whose rows use the service anyway, so that rows do not wait for each other's locks. */
const LANES: Readonly<Record<Dependency, string>> = { flaky: 'flaky', product: '4.7', inventory: '4.7' }

const form = (name: string, fault: Readonly<Record<string, unknown>>, wanted: Expectation, giveUpMs?: number) =>
  TARGETS.map(({ service, path }) =>
    scenario(
      'fault',
      `${service}: ${name}`,
      async (walk) => {
        const expected: Expectation = { ...wanted, anyForm: true }
        await walk.fault(service, fault)
        const asked = get(path, { to: service })
        const hit = await walk.ask(asked, expected, giveUpMs)
        await walk.ask(get('/healthz', { to: service }), { status: 200, withinMs: 1_000 })
        await walk.ask(get('/__faults', { to: service }), ok(including(fault)))
        await walk.clearFaults()
        await walk.ask(asked, { status: 200, withinMs: 1_000 })
        walk.judge(asked, hit, expected)
      },
      { lane: LANES[service], uses: [service] },
    ),
  )

const BROKEN = oneOf('ECONNRESET', 'EPIPE', 'INCOMPLETE')

const WRONG: readonly unknown[] = [
  { status: 99 },
  { status: 1000 },
  { status: '503' },
  { status: 503.5 },
  { rate: 2 },
  { rate: -0.1 },
  { rate: '1', status: 503 },
  { latency_ms: -1 },
  { latency_ms: '5000' },
  { error: 'explode' },
  { body: 'melted' },
  { unknown: 1 },
  {},
  [],
  null,
  'status',
]

async function rejectsWrongBodies(walk: Walk, service: Dependency): Promise<void> {
  const kept = { status: 418, rate: 1 }
  await walk.fault(service, kept)
  const bodies = [...WRONG.map((wrong) => JSON.stringify(wrong)), '{"status":', '', `{"x":"${'x'.repeat(100_000)}"}`]
  for (const body of bodies) {
    const asked: WireRequest = request('PUT', '/__faults', {
      to: service,
      body,
      headers: { 'content-type': 'application/json' },
    })
    const answer: Answer = await walk.send(asked)
    const shown = { ...asked, body: body.slice(0, 40) }
    walk.judge(shown, answer, {
      status: oneOf(400, 413, 422),
      headers: { 'x-trace-id': text },
      shown: '400, 413 or 422',
    })
  }
  // The rejected bodies have not changed the fault.
  await walk.ask(get('/__faults', { to: service }), ok(including({ status: 418 })))
}

export const faults: readonly Row[] = [
  ...form('answers with the given status', { status: 503 }, { status: 503 }),
  ...form('answers with the given status at rate 1', { status: 500, rate: 1 }, { status: 500 }),
  ...form('delays the answer', { latency_ms: 400 }, { status: 200, atLeastMs: 395, withinMs: 1_500 }),
  ...form('resets the connection before the answer', { error: 'reset' }, { failure: BROKEN, status: 0 }),
  ...form('sends a body that is not valid JSON', { body: 'corrupt' }, { status: 200, json: absent, body: text }),
  ...form(
    'closes the connection before the end of the body',
    { body: 'truncated' },
    { failure: BROKEN, status: 200, json: absent },
  ),
  ...form(
    'stalls in the middle of the body',
    { body: 'stall' },
    { failure: 'TIMEOUT', status: 200, json: absent, body: text },
    700,
  ),
  ...form(
    'combines latency and status',
    { latency_ms: 300, status: 500 },
    { status: 500, atLeastMs: 295, withinMs: 1_500 },
  ),
  ...form('rate 0 injects no fault', { rate: 0 }, { status: 200 }),
  ...TARGETS.map(({ service, path }) =>
    scenario(
      'fault',
      `${service}: PUT replaces the fault, rate 0.5 hits half, DELETE clears, GET shows it`,
      async (walk) => {
        await walk.fault(service, { latency_ms: 2_000, body: 'corrupt' })
        await walk.fault(service, { status: 503, rate: 0.5 })
        const asked = get(path, { to: service })
        const answers = await Promise.all(Array.from({ length: 200 }, () => walk.send(asked)))
        const hit = answers.filter((answer) => answer.status === 503).length
        const good = answers.filter((answer) => answer.status === 200 && answer.json !== undefined).length
        walk.compare('answers that are neither the fault nor 200', 0, answers.length - hit - good)
        walk.compare('503 of 200', number(60, 140), hit)
        walk.compare(
          'answers with the latency of the replaced fault',
          0,
          answers.filter((answer) => answer.ms > 1_900).length,
        )
        await walk.ask(get('/__faults', { to: service }), ok({ status: 503, rate: 0.5 }))
        await walk.clearFaults()
        await walk.ask(asked, { status: 200 })
        const shown = await walk.send(get('/__faults', { to: service }))
        walk.compare('GET still shows 503 after DELETE', false, shown.body.includes('503'))
        walk.show(`${service}: PUT /__faults {"status":503,"rate":0.5}`, '503 for 60 to 140 of 200', `${hit}`)
      },
      { lane: LANES[service], uses: [service] },
    ),
  ),
  scenario(
    'fault',
    'flaky: a fault turns its random failures off',
    async (walk) => {
      await walk.fault('flaky', { rate: 0 })
      for (const path of ['/fake_service', '/unstable']) {
        const asked = get(path, { to: 'flaky' })
        const answers = await Promise.all(Array.from({ length: 40 }, () => walk.send(asked)))
        walk.compare(`${path}: answers 200 of 40`, 40, answers.filter((answer) => answer.status === 200).length)
      }
    },
    { lane: 'flaky', uses: ['flaky'] },
  ),
  ...TARGETS.map(({ service }) =>
    scenario(
      'fault',
      `${service}: rejects an invalid fault and keeps the current one`,
      (walk) => rejectsWrongBodies(walk, service),
      {
        lane: LANES[service],
        uses: [service],
      },
    ),
  ),
  ...TARGETS.map(({ service }) =>
    scenario(
      'fault',
      `${service}: rejects the Host of another site at the switch`,
      async (walk) => {
        const asked = put('/__faults', { status: 503 }, { to: service, headers: { host: 'evil.example' } })
        await walk.ask(asked, { status: number(400, 499), anyForm: true, shown: '4xx for Host: evil.example' })
        await walk.ask(get('/healthz', { to: service }), { status: 200 })
      },
      { lane: LANES[service], uses: [service] },
    ),
  ),
]
