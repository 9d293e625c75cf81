/** Returns the text for a name that a log wrote, such as the state of a breaker; the name itself if there is none. */
export function textFor(texts: Readonly<Record<string, string>>, name: string): string {
  // A log may write `constructor` too.
  return Object.hasOwn(texts, name) ? (texts[name] ?? name) : name
}
