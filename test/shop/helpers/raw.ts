import { connect, type Socket } from 'node:net'

/** A TCP connection on which a test controls every byte. */
export interface RawConnection {
  readonly send: (text: string) => void
  /** Everything received so far. */
  readonly received: () => string
  /** Fulfils when the connection is closed, cleanly or not. */
  readonly closed: Promise<void>
  readonly end: () => void
}

/** Connects to a local port; rejects when nothing listens there. */
export function connectTo(port: number): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1')
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk
    })
    const closed = new Promise<void>((done) => socket.once('close', () => done()))
    socket.once('error', reject)
    socket.once('connect', () =>
      resolve({
        send: (text) => void socket.write(text),
        received: () => received,
        closed,
        end: () => socket.destroy(),
      }),
    )
  })
}
