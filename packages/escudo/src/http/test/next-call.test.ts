import { expect, test } from 'vitest'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { retry } from '../../policies/retry/retry.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { serve, settled } from './setup.ts'

const READS: Readonly<Record<string, (response: Response) => Promise<unknown>>> = {
  text: (response) => response.text(),
  json: (response) => response.json(),
  blob: (response) => response.blob(),
  clone: (response) => Promise.all([response.clone().text(), response.text()]),
  async iterator(response) {
    for await (const _ of response.body ?? []);
  },
  async byob(response) {
    const reader = response.body?.getReader({ mode: 'byob' })
    while (!(await reader?.read(new Uint8Array(1_000)))?.done);
  },
}

const ENDS = ['breaks off', 'is aborted', 'times out'] as const
const PERMIT = () => bulkhead({ limit: 1 })
const SHIELDS = {
  'timeout outside': () => [timeout('2s'), PERMIT(), retry()],
  'timeout inside': () => [retry(), PERMIT(), timeout('2s')],
}

test.each(
  Object.entries(SHIELDS).flatMap(([order, policies]) =>
    ENDS.flatMap((end) => Object.keys(READS).map((method) => [method, end, order, policies] as const)),
  ),
)('a reader by %s whose body %s finds the permit free: %s', async (method, end, _, policies) => {
  let served = 0
  const origin = await serve((_request, response) => {
    served += 1
    response.writeHead(200, { 'content-length': 100 }).write('part')
    if (end === 'breaks off' && served === 1) setTimeout(() => response.destroy(), 5)
  })
  const clock = virtualClock()
  const guarded = shield({ name: 'x', clock }, ...(policies() as [ReturnType<typeof PERMIT>]))
  const get = resilientFetch({ name: 'x', shield: guarded })
  const abort = new AbortController()
  const response = await get(origin, { signal: abort.signal })
  const next = READS[method]?.(response).then(
    () => expect.fail('read'),
    () => get(origin, { signal: AbortSignal.timeout(1_000) }),
  )
  await settled()
  if (end === 'is aborted') abort.abort()
  if (end === 'times out') await clock.advance('2s')
  const second = await next
  expect(second?.status).toBe(200)
  await second?.body?.cancel()
})
