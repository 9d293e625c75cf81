import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'

/** A TCP proxy that can lose an answer. */
export interface LossyProxy {
  readonly port: number
  /** The next answer of the server that contains the text is not delivered. Instead, the connection is reset. */
  loseAnswer(text: string): void
  close(): Promise<void>
}

/** Starts a proxy in front of a server on this machine. */
export async function lossyProxy(target: number): Promise<LossyProxy> {
  let lost: string | undefined
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = createConnection(target, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream)
    upstream.on('data', (chunk: Buffer) => {
      if (lost !== undefined && chunk.includes(lost)) {
        lost = undefined
        client.resetAndDestroy()
      } else client.write(chunk)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    loseAnswer: (text) => {
      lost = text
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
