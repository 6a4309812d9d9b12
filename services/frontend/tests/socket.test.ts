import assert from "node:assert/strict";
import { test } from "node:test";

import { LiveSocket, type Heard, type Surroundings, type Wire } from "../live/socket";

class FakeWire implements Wire {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  said: Record<string, string>[] = [];
  send(text: string): void {
    this.said.push(JSON.parse(text) as Record<string, string>);
  }
  close(): void {}
  tell(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

function world(known: () => boolean): { wires: FakeWire[]; around: Surroundings } {
  const wires: FakeWire[] = [];
  const open = () => {
    const wire = new FakeWire();
    wires.push(wire);
    return wire;
  };
  return { wires, around: { open, freshen: () => Promise.resolve(known()), random: () => 0 } };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

test("a guest says so, joins when it is ready, and hears the room", async () => {
  const { wires, around } = world(() => false);
  const socket = new LiveSocket("ws://x/ws", around);
  const heard: Heard[] = [];
  socket.join("event:1");
  const stop = socket.listen((message) => heard.push(message));
  await settled();

  wires[0]?.onopen?.();
  wires[0]?.tell({ type: "ready", data: { user_id: null, cursor: null } });
  wires[0]?.tell({ type: "queue", room: "event:1", data: { now_serving: 1 } });
  stop();

  assert.deepEqual(wires[0]?.said, [{ type: "guest" }, { type: "join", room: "event:1" }]);
  assert.deepEqual(heard.map((message) => message.type), ["ready", "queue"]);
});

test("coming back it names the last message it heard, and joins again", async () => {
  const { wires, around } = world(() => true);
  const socket = new LiveSocket("ws://x/ws", around);
  socket.join("event:1");
  const stop = socket.listen(() => undefined);
  await settled();
  wires[0]?.onopen?.();
  wires[0]?.tell({ type: "ready", data: { cursor: "1-0" } });
  wires[0]?.tell({ type: "booking", id: "7-2", data: {} });

  wires[0]?.onclose?.({ code: 1012 });
  assert.equal(socket.isReady, false);
  await new Promise((resolve) => setTimeout(resolve, 260));
  wires[1]?.onopen?.();
  wires[1]?.tell({ type: "ready", data: { cursor: "7-2" } });
  stop();

  assert.deepEqual(wires[0]?.said[0], { type: "auth", cursor: "" });
  assert.deepEqual(wires[1]?.said, [{ type: "auth", cursor: "7-2" }, { type: "join", room: "event:1" }]);
});

test("who signs in meanwhile gets a socket of their own at once", async () => {
  let known = false;
  const { wires, around } = world(() => known);
  const socket = new LiveSocket("ws://x/ws", around);
  const stop = socket.listen(() => undefined);
  await settled();
  wires[0]?.onopen?.();

  known = true;
  socket.again();
  await settled();
  wires[1]?.onopen?.();
  stop();

  assert.deepEqual(wires.map((wire) => wire.said[0]?.["type"]), ["guest", "auth"]);
});

test("two that want one room join once and leave once", async () => {
  const { wires, around } = world(() => false);
  const socket = new LiveSocket("ws://x/ws", around);
  const stop = socket.listen(() => undefined);
  await settled();
  wires[0]?.onopen?.();
  wires[0]?.tell({ type: "ready", data: {} });

  const [leave, leaveToo] = [socket.join("event:1"), socket.join("event:1")];
  leave();
  leaveToo();
  stop();

  assert.deepEqual(wires[0]?.said.slice(1), [{ type: "join", room: "event:1" }, { type: "leave", room: "event:1" }]);
});
