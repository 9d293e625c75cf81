import { WsAdapter } from '@nestjs/platform-ws'
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets'
import { describe, expect, it } from 'vitest'
import { Work } from '../work.ts'
import { appPerTest, decorate, Errors } from './setup.ts'

class Gateway {
  order(what: string) {
    if (what === 'sold') throw new Errors.SOLD_OUT()
    return { event: 'order', data: what }
  }
}
WebSocketGateway()(Gateway)
decorate(Gateway, 'order', [SubscribeMessage('order'), Work('orders.order')], [MessageBody()])

describe('a gateway', () => {
  const start = appPerTest()

  it('has the context and the lines of `Work`; Nest answers its errors', async () => {
    const { url, lines } = await start('express', {
      module: { providers: [Gateway] },
      main: (app) => app.useWebSocketAdapter(new WsAdapter(app)),
    })
    const socket = new WebSocket(url.replace('http', 'ws'))
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))
    const ask = (data: string): Promise<{ event: string; data: unknown }> =>
      new Promise((resolve) => {
        socket.addEventListener('message', (event) => resolve(JSON.parse(String(event.data))), { once: true })
        socket.send(JSON.stringify({ event: 'order', data }))
      })
    expect(await ask('potion')).toEqual({ event: 'order', data: 'potion' })
    expect(await ask('sold')).toMatchObject({ event: 'exception', data: { message: 'Internal server error' } })
    socket.close()
    expect(lines.slice(0, 3).map(({ event, work }) => [event, work])).toEqual([
      ['work', 'orders.order'],
      ['work_error', 'orders.order'],
      ['work', 'orders.order'],
    ])
  })
})
