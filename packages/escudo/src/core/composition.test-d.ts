import { definePolicy, fallback, shield } from './index.ts'

async function f(): Promise<void> {
  const s = shield('a', fallback(null), fallback({ a: 1 }))
  const v: Response | null | { readonly a: 1 } = await s.run(() => new Response(''))
  const reader = definePolicy<Response>({
    name: 'r',
    wrap: (next) => async (call, op) => {
      const r = await next(call, op)
      return r
    },
  })
  const s2 = shield('b', reader)
  // @ts-expect-error string is no Response
  await s2.run(() => 'x')
  await s2.run(() => new Response(''))
  // @ts-expect-error the reader would be given null
  shield('b', reader, fallback(null))
  shield('b', fallback(null), reader)
  const r2 = await shield('b', fallback(null), reader).run(async () => new Response(''))
  r2 satisfies Response | null
  // @ts-expect-error may be null
  r2 satisfies Response
  void v
  const none = shield('x')
  const q: number = await none.run(() => 1)
  void q
}
void f
