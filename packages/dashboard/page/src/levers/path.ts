/** Where the levers are: the service says so in its page. Undefined where there are none. */
export const leversPath: string | undefined =
  document.querySelector<HTMLMetaElement>('meta[name="escudo-levers"]')?.content || undefined
