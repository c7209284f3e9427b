/**
 * Who is stuck. A waiting node has one edge, to what it waits for: a thread, a lock (whose edge leads to its owner) or
 * a process, any of whose threads may release it. A node is stuck when it can reach none that can run.
 *
 * Edges are written as waits begin and end; `settle` then finds what that has changed. One walk forward tells whether a
 * thread that has just blocked is stuck, and mostly ends at the first that can run. Only where it is stuck does anybody
 * look at those that wait behind it. Hot path: as in `wait-nodes.ts`.
 */

import { kinds, resized, type WaitNodes } from './wait-nodes.ts'

/** An edge to nobody in particular: what waits so can run. */
export const nobody = 0
/** What is waited for has no owner that could ever give it up. */
export const gone = -1

/** In place of the edge of a process that is waited for: its threads are to be asked. */
const several = -2

const { free, thread: ofThread, lock: ofLock, process: ofProcess } = kinds

/** A longer way than this is walked with marks: it may lead into a ring that does not come back to where it began. */
const unmarkedStepsMax = 64

export class WaitGraph {
  /** What each node waits for: another node, `nobody` or `gone`. */
  next = new Int32Array(64)
  /** Of a process: threads that wait. */
  waiting = new Int32Array(64)
  /** The first of those that wait for a node; of each of these, the neighbours. */
  firstWaiter = new Int32Array(64)
  #after = new Int32Array(64)
  #before = new Int32Array(64)
  #stuck = new Uint8Array(64)
  #marks = new Int32Array(64)
  #mark = 0
  /** Found stuck since last asked; what has come free again since is in it too. */
  #found: number[] = []
  /** Were stuck, until one of those that they wait for could run. */
  #reopened: number[] = []
  readonly #nodes: WaitNodes

  constructor(nodes: WaitNodes) {
    this.#nodes = nodes
    nodes.follow((size) => {
      this.next = resized(this.next, new Int32Array(size))
      this.waiting = resized(this.waiting, new Int32Array(size))
      this.firstWaiter = resized(this.firstWaiter, new Int32Array(size))
      this.#after = resized(this.#after, new Int32Array(size))
      this.#before = resized(this.#before, new Int32Array(size))
      this.#stuck = resized(this.#stuck, new Uint8Array(size))
      this.#marks = resized(this.#marks, new Int32Array(size))
    })
  }

  isStuck(node: number): boolean {
    return this.#stuck[node] === 1
  }

  isThread(node: number): boolean {
    return this.#nodes.kind[node] === ofThread
  }

  isLock(node: number): boolean {
    return this.#nodes.kind[node] === ofLock
  }

  /** Whether a thread of the process can run. */
  hasFree(process: number): boolean {
    return this.#nodes.living[process]! > this.waiting[process]!
  }

  /** From now on it waits for this. What was stuck with it is looked at anew. Preconditions: inside an update. */
  link(node: number, to: number): void {
    if (this.#stuck[node] === 1) this.reopen(node)
    this.#unlink(node)
    this.next[node] = to
    if (to > 0) {
      const first = this.firstWaiter[to]!
      this.#after[node] = first
      this.#before[node] = 0
      if (first !== 0) this.#before[first] = node
      this.firstWaiter[to] = node
      if (first === 0 && this.#nodes.kind[to] === ofProcess) this.next[to] = several
    }
    if (to !== nobody && this.#nodes.kind[node] === ofThread) this.waiting[this.#nodes.process[node]!]!++
  }

  #unlink(node: number): void {
    const to = this.next[node]!
    if (to === nobody) return
    this.next[node] = nobody
    if (this.#nodes.kind[node] === ofThread) this.waiting[this.#nodes.process[node]!]!--
    if (to === gone) return
    const [after, before] = [this.#after[node]!, this.#before[node]!]
    if (after !== 0) this.#before[after] = before
    if (before !== 0) this.#after[before] = after
    else this.firstWaiter[to] = after
  }

  /** Preconditions: it is a process, and nobody waits for it. */
  forget(process: number): void {
    this.next[process] = nobody
  }

  waitersOf(node: number): number[] {
    const all: number[] = []
    for (let at = this.firstWaiter[node]!; at !== 0; at = this.#after[at]!) all.push(at)
    return all
  }

  /** It may run again, and with it whatever is stuck behind it. */
  reopen(node: number): void {
    const from = this.#reopened.length
    this.#release(node)
    for (let place = from; place < this.#reopened.length; place++)
      this.eachBehind(this.#reopened[place]!, this.#release)
  }

  readonly #release = (node: number): void => {
    if (this.#stuck[node] === 0) return
    this.#stuck[node] = 0
    this.#reopened.push(node)
  }

  /** Those that wait for it, and for a thread its process, if that is waited for. */
  protected eachBehind(node: number, visit: (behind: number) => void): void {
    for (let at = this.firstWaiter[node]!; at !== 0; at = this.#after[at]!) visit(at)
    if (this.#nodes.kind[node] !== ofThread) return
    const process = this.#nodes.process[node]!
    // One that is marked although nobody waits for it any more must not stay so.
    if (this.firstWaiter[process] !== 0 || this.#stuck[process] === 1) visit(process)
  }

  /** What is stuck because these are, they not included. */
  behind(from: readonly number[]): number[] {
    const seen = new Set(from)
    const collect = (node: number) => {
      if (this.#stuck[node] === 1) seen.add(node)
    }
    for (const node of seen) this.eachBehind(node, collect)
    return [...seen].slice(from.length)
  }

  /** What it waits for at present, one by one: of a process, its threads. */
  *onward(node: number): Generator<number> {
    const { kind, firstMember, nextMember } = this.#nodes
    if (kind[node] === ofProcess)
      for (let member = firstMember[node]!; member !== 0; member = nextMember[member]!) yield member
    else if (this.next[node]! > 0) yield this.next[node]!
  }

  get hasReopened(): boolean {
    return this.#reopened.length > 0
  }

  get hasFound(): boolean {
    return this.#found.length > 0
  }

  /** Of those that were reopened: which are stuck all the same. Returns all that were. */
  decide(): number[] {
    this.#renewMarks()
    const reopened = this.#reopened
    this.#reopened = []
    this.#decide(reopened.filter((node) => this.#nodes.kind[node] !== free && this.#stuck[node] === 0))
    return reopened
  }

  /** What was found stuck since last asked, and still is. */
  takeFound(): number[] {
    const found = this.#found
    if (found.length === 0) return found
    this.#found = []
    return found.filter((node) => this.#stuck[node] === 1)
  }

  /** Whether it is stuck: then it is marked so, with all that it waits for and all that waits for it alone. */
  examine(start: number): boolean {
    this.#renewMarks()
    if (this.#stuck[start] === 1) return true
    if (this.#canReachFast(start)) return false
    const visited = this.#walk(start)
    if (visited === null) return false
    for (const node of visited) this.settleStuck(node)
    this.spread(visited)
    return true
  }

  /** True: it reaches one that can run. False: that is not known yet. Of each node on its way it reads one number. */
  #canReachFast(start: number): boolean {
    const { next } = this
    let from = start
    for (let steps = 0; steps < unmarkedStepsMax; steps++) {
      const at = next[from]!
      if (at <= nobody) return at === nobody || (at === several && this.hasFree(from))
      if (at === start) return false
      from = at
    }
    return false
  }

  /**
   * All that it reaches, itself included; null where one of them can run. Those that are stuck already are passed over.
   */
  #walk(start: number): number[] | null {
    const { kind, firstMember, nextMember } = this.#nodes
    const mark = ++this.#mark
    const marks = this.#marks
    const reached = [start]
    marks[start] = mark
    const reach = (node: number) => {
      if (this.#stuck[node] === 1 || marks[node] === mark) return
      marks[node] = mark
      reached.push(node)
    }
    for (let place = 0; place < reached.length; place++) {
      const node = reached[place]!
      if (kind[node] === ofProcess) {
        if (this.hasFree(node)) return null
        for (let member = firstMember[node]!; member !== 0; member = nextMember[member]!) reach(member)
      } else {
        const to = this.next[node]!
        if (to === nobody) return null
        if (to !== gone) reach(to)
      }
    }
    return reached
  }

  /** Before they no longer fit. Preconditions: no walk is under way. */
  #renewMarks(): void {
    if (this.#mark < 2 ** 30) return
    this.#marks.fill(0)
    this.#mark = 0
  }

  protected settleStuck(node: number): void {
    this.#stuck[node] = 1
    this.#found.push(node)
  }

  /** Those that wait behind: stuck too, but for what reaches one that can run. */
  protected spread(from: readonly number[]): void {
    const mark = ++this.#mark
    const behind: number[] = []
    const collect = (node: number) => {
      if (this.#stuck[node] === 1 || this.#marks[node] === mark) return
      this.#marks[node] = mark
      behind.push(node)
    }
    for (const node of from) this.eachBehind(node, collect)
    for (let place = 0; place < behind.length; place++) this.eachBehind(behind[place]!, collect)
    if (behind.length > 0) this.#decide(behind)
  }

  /** Which of these are stuck, where it is known of all others whether they are. */
  #decide(open: readonly number[]): void {
    const isOpen = ++this.#mark
    for (const node of open) this.#marks[node] = isOpen
    const able = ++this.#mark
    const queue: number[] = []
    const enable = (node: number) => {
      if (this.#marks[node] !== isOpen) return
      this.#marks[node] = able
      queue.push(node)
    }
    for (const node of open) if (this.#reachesAble(node, isOpen, able)) enable(node)
    for (let place = 0; place < queue.length; place++) this.eachBehind(queue[place]!, enable)
    for (const node of open) if (this.#marks[node] === isOpen) this.settleStuck(node)
  }

  /** Whether it waits for one that can run and is none of those that are open. */
  #reachesAble(node: number, isOpen: number, able: number): boolean {
    const { kind, firstMember, nextMember } = this.#nodes
    const isAble = (to: number) => this.#stuck[to] === 0 && this.#marks[to] !== isOpen && this.#marks[to] !== able
    if (kind[node] !== ofProcess) {
      const to = this.next[node]!
      return to === nobody || (to > 0 && isAble(to))
    }
    if (this.hasFree(node)) return true
    for (let member = firstMember[node]!; member !== 0; member = nextMember[member]!) {
      // One that is not traced in this graph counts as free, so each of these waits.
      if (isAble(member)) return true
    }
    return false
  }
}
