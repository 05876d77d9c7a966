/**
 * Takes a member out of an array; nothing happens if it is not in there.
 *
 * What comes and goes with requests is kept in arrays, not in a Set or a Map. V8 gives those a new table whenever theirs is
 * full of deleted members, and the old table points to the new one. Once one table has become old enough that only a
 * major garbage collection looks at it, all tables after it, and the requests that they held, stay until then, too.
 */
export function remove<Member>(members: Member[], member: Member): void {
  const place = members.indexOf(member);
  if (place >= 0) members.splice(place, 1);
}
