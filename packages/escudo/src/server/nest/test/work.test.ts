import type { AddressInfo, Server } from 'node:net'
import {
  type CallHandler,
  Controller,
  type INestMicroservice,
  Module,
  NotFoundException,
  UseInterceptors,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  type ClientProxy,
  ClientProxyFactory,
  MessagePattern,
  Payload,
  RpcException,
  Transport,
} from '@nestjs/microservices'
import { concat, lastValueFrom, NEVER, of, take } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { contextHeaders } from '../../../core/context/with-context.ts'
import { keptLines, type Line } from '../../test/kept-lines.ts'
import { EscudoModule } from '../module.ts'
import { Work } from '../work.ts'
import { contract, decorate, Errors } from './setup.ts'

class Orders {
  consume(what: string) {
    if (what === 'sold') throw new Errors.SOLD_OUT()
    if (what === 'nest') throw new NotFoundException('No such order.')
    if (what === 'rpc') throw new RpcException('as Nest does')
    if (what === 'bug') throw new Error('secret')
    return contextHeaders()['traceparent']?.slice(3, 35)
  }

  plain() {
    throw new Errors.SOLD_OUT()
  }
}
Controller()(Orders)
const carrier = () => ({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` })
decorate(Orders, 'consume', [MessagePattern('orders'), Work('orders.consume', { carrier })], [Payload()])
decorate(Orders, 'plain', [MessagePattern('plain')])

/** Its interceptor stops after the first value. */
class Endless {
  values() {
    return concat(of('first'), NEVER)
  }
}
Controller()(Endless)
UseInterceptors({ intercept: (_context: unknown, next: CallHandler) => next.handle().pipe(take(1)) })(Endless)
decorate(Endless, 'values', [MessagePattern('endless'), Work('orders.endless')])

let service: INestMicroservice | undefined
let client: ClientProxy | undefined
afterEach(async () => {
  await client?.close()
  await service?.close()
})

async function start(): Promise<{ ask: (pattern: string, data: string) => Promise<unknown>; lines: readonly Line[] }> {
  const { lines, logger } = keptLines()
  class Root {}
  Module({ controllers: [Orders, Endless], imports: [EscudoModule.forRoot({ contract, logger })] })(Root)
  const options = { host: '127.0.0.1', port: 0 }
  service = await NestFactory.createMicroservice(Root, { transport: Transport.TCP, options, logger: false })
  await service.listen()
  const { port } = service.unwrap<Server>().address() as AddressInfo
  const proxy = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } })
  client = proxy
  return { ask: (pattern, data) => lastValueFrom(proxy.send(pattern, data)), lines }
}

describe('handlers of messages', () => {
  it('run in the context of the message, and write one line', async () => {
    const { ask, lines } = await start()
    expect(await ask('orders', 'potion')).toBe('a'.repeat(32))
    expect(lines).toEqual([
      expect.objectContaining({ event: 'work', work: 'orders.consume', status_code: 200, trace_id: 'a'.repeat(32) }),
    ])
  })

  it('answer an error with the body of the contract, and log it once', async () => {
    const { ask, lines } = await start()
    await expect(ask('orders', 'sold')).rejects.toMatchObject({ error_code: 'SOLD_OUT', trace_id: 'a'.repeat(32) })
    expect(lines.map(({ event, error_code }) => [event, error_code])).toEqual([
      ['work_error', 'SOLD_OUT'],
      ['work', 'SOLD_OUT'],
    ])
    const missing = { error_code: 'NOT_FOUND', message: 'No such order.' }
    await expect(ask('orders', 'nest')).rejects.toMatchObject(missing)
    const bug = await ask('orders', 'bug').catch((error: unknown) => error)
    expect(bug).toMatchObject({ error_code: 'INTERNAL_SERVER_ERROR' })
    expect(JSON.stringify(bug)).not.toContain('secret')
  })

  it('answer without `Work` too, and leave an RpcException to its meaning', async () => {
    const { ask, lines } = await start()
    await expect(ask('plain', '')).rejects.toMatchObject({ error_code: 'SOLD_OUT' })
    expect(lines.map(({ event }) => event)).toEqual(['work_error'])
    await expect(ask('orders', 'rpc')).rejects.toEqual({ status: 'error', message: 'as Nest does' })
  })

  it('write their line when nothing listens to an Observable any more', async () => {
    const { ask, lines } = await start()
    expect(await ask('endless', '')).toBe('first')
    expect(lines).toEqual([expect.objectContaining({ event: 'work', work: 'orders.endless' })])
  })

  it.each([
    [() => Work(''), 'Work.name'],
    [() => Work('a', { carier: 1 } as never), 'carier'],
  ])('refuse an invalid declaration: %s', (make, message) => {
    expect(make).toThrow(message)
  })
})
