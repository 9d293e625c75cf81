/** The port of a service: `PORT`, or 8000. */
export const PORT = Number(process.env['PORT'] ?? 8_000)
export const HOST = '127.0.0.1'
