/** What a router answers with `!trap`. Categories are the manual's ("API", section Trap): 0 missing item, 1 value, 2 interrupted … */
export class Refused extends Error {
  readonly category: number | null

  constructor(message: string, category: number | null = null) {
    super(message)
    this.name = 'Refused'
    this.category = category
  }
}
