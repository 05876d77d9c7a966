/**
 * Removes a member from an array, if it is there.
 *
 * Objects that live only as long as a request are kept in arrays, not in a Set or a Map. V8 gives a Set or a Map a new
 * table whenever its table is full of deleted members, and the old table points to the new one. Once a table is in old
 * space, only a major garbage collection frees it. Until then all later tables, and the requests in them, stay alive.
 */
export function remove<Member>(members: Member[], member: Member): void {
  const place = members.indexOf(member);
  if (place >= 0) members.splice(place, 1);
}
