"""One DRAM channel, compiled: when each command may issue, and which one does.

Times are integer picoseconds and need not lie on a clock edge. Every rule is a `next time` that a command leaves
behind for others (as in Ramulator 2.1, Luo et al. 2023), so that a look at the latest of them says when a command is
ready. The controller follows FR-FCFS (Rixner et al. 2000): of all queued requests, the command that is ready first,
of equals the oldest, and no row is closed before the hits on it that came earlier. As in Ramulator 2.1, a request whose
row has been opened leaves its queue and is served before all others, and writes wait until they drain together.
"""

from twin.kernels.jit import inline, kernel

# Commands; AUTO is the precharge that a column access carries with it and that takes no place on a bus.
ACT, PRE, RD, WR, REF, PREA, AUTO = range(7)
# Parameters: times in ps, then sizes.
(
    T_CK, T_BURST, T_CL, T_CWL, T_RCD, T_RCDW, T_RP, T_RPAB, T_RAS, T_RC, T_CCDS, T_CCDL, T_RRDS, T_RRDL, T_FAW,
    T_WR, T_WTRS, T_WTRL, T_RTP, T_RTW, T_CS, T_RFC, T_REFI,
    RANKS, GROUPS, BANKS, DEPTH, CLOSED, BUSES,
) = range(29)  # fmt: skip
# Columns of a bank: open row, when each command may come next, and in which scan of the queue it was met.
OPEN, B_ACT, B_PRE, B_RD, B_WR, B_MET = range(6)
# Columns of a bank group.
G_ACT, G_RD, G_WR = range(3)
# Columns of a rank: next times, the last four activations (oldest first), when a refresh is due, whether it waits.
R_ACT, R_RD, R_WR, R_FAW, R_DUE, R_WAITS = 0, 1, 2, 3, 7, 8
# Of a channel: next times of the command buses, whether writes drain, commands so far, the last column access, scans.
C_ROW, C_COLUMN, C_DRAINS, C_ACTS, C_REFS, C_LAST, C_SCANS = range(7)
# Columns of a request.
ARRIVAL, RANK, GROUP, BANK, ROW, WRITES, DONE = range(7)
NO_ROW = -1
NEVER = 2**62


@inline
def ready(p, banks, groups, ranks, channel, command, rank, group, bank):
    """Return the earliest time at which a command may issue, ps; REF and PREA look at all banks of the rank."""
    if command == ACT:
        at = max(banks[bank, B_ACT], groups[group, G_ACT], ranks[rank, R_ACT], ranks[rank, R_FAW] + p[T_FAW])
    elif command == PRE:
        at = banks[bank, B_PRE]
    elif command == RD:
        at = max(banks[bank, B_RD], groups[group, G_RD], ranks[rank, R_RD])
    elif command == WR:
        at = max(banks[bank, B_WR], groups[group, G_WR], ranks[rank, R_WR])
    else:
        n = p[GROUPS] * p[BANKS]
        at = 0
        for one in range(rank * n, rank * n + n):
            # also of banks that close themselves, which may still be recovering from a write
            at = max(at, banks[one, B_ACT if command == REF else B_PRE])
    return max(at, channel[C_COLUMN if (command == RD or command == WR) and p[BUSES] == 2 else C_ROW])


@kernel
def issue(p, banks, groups, ranks, channel, command, rank, group, bank, row, now):
    """Issue a command at `now` and note what it leaves behind."""
    if (command == RD or command == WR) and p[BUSES] == 2:
        channel[C_COLUMN] = now + p[T_CK]
    else:
        channel[C_ROW] = now + p[T_CK]
    if command == ACT:
        banks[bank, OPEN] = row
        banks[bank, B_ACT] = now + p[T_RC]
        banks[bank, B_PRE] = now + p[T_RAS]
        banks[bank, B_RD] = now + p[T_RCD]
        banks[bank, B_WR] = now + p[T_RCDW]
        groups[group, G_ACT] = now + p[T_RRDL]
        ranks[rank, R_ACT] = now + p[T_RRDS]
        for k in range(3):
            ranks[rank, R_FAW + k] = ranks[rank, R_FAW + k + 1]
        ranks[rank, R_FAW + 3] = now
        channel[C_ACTS] += 1
    elif command == PRE:
        banks[bank, OPEN] = NO_ROW
        banks[bank, B_ACT] = max(banks[bank, B_ACT], now + p[T_RP])
    elif command == RD:
        _read(p, banks, groups, ranks, rank, group, bank, now)
        channel[C_LAST] = now
    elif command == WR:
        _write(p, banks, groups, ranks, rank, group, bank, now)
        channel[C_LAST] = now
    else:
        n = p[GROUPS] * p[BANKS]
        for one in range(rank * n, rank * n + n):
            if command == REF:
                banks[one, B_ACT] = now + p[T_RFC]
            elif banks[one, OPEN] != NO_ROW:
                banks[one, OPEN] = NO_ROW
                banks[one, B_ACT] = max(banks[one, B_ACT], now + p[T_RPAB])
        if command == REF:
            ranks[rank, R_WAITS] = 0
            ranks[rank, R_DUE] += p[T_REFI]
            channel[C_REFS] += 1


@kernel
def _read(p, banks, groups, ranks, rank, group, bank, now):
    banks[bank, B_PRE] = max(banks[bank, B_PRE], now + p[T_RTP])
    groups[group, G_RD] = now + max(p[T_CCDL], p[T_BURST])
    for other in range(p[RANKS]):
        if other == rank:
            ranks[other, R_RD] = max(ranks[other, R_RD], now + max(p[T_CCDS], p[T_BURST]))
            ranks[other, R_WR] = max(ranks[other, R_WR], now + p[T_RTW])
        else:
            ranks[other, R_RD] = max(ranks[other, R_RD], now + p[T_BURST] + p[T_CS])
            ranks[other, R_WR] = max(ranks[other, R_WR], now + p[T_CL] + p[T_BURST] + p[T_CS] - p[T_CWL])


@kernel
def _write(p, banks, groups, ranks, rank, group, bank, now):
    end = now + p[T_CWL] + p[T_BURST]
    banks[bank, B_PRE] = max(banks[bank, B_PRE], end + p[T_WR])
    groups[group, G_WR] = now + max(p[T_CCDL], p[T_BURST])
    groups[group, G_RD] = max(groups[group, G_RD], end + p[T_WTRL])
    for other in range(p[RANKS]):
        if other == rank:
            ranks[other, R_WR] = max(ranks[other, R_WR], now + max(p[T_CCDS], p[T_BURST]))
            ranks[other, R_RD] = max(ranks[other, R_RD], end + p[T_WTRS])
        else:
            ranks[other, R_WR] = max(ranks[other, R_WR], now + p[T_BURST] + p[T_CS])
            ranks[other, R_RD] = max(ranks[other, R_RD], end + p[T_CS] - p[T_CL])


@kernel
def skip_refreshes(p, ranks, channel, until):
    """Count the refreshes of an idle channel that are over by `until`, all but the last ones."""
    for rank in range(p[RANKS]):
        over = (until - ranks[rank, R_DUE]) // p[T_REFI] - 1
        if over > 0:
            ranks[rank, R_DUE] += over * p[T_REFI]
            channel[C_REFS] += over


@kernel
def _wanted(requests, queue, length, which):
    """Tell whether another request of a queue goes to the row of request `which`."""
    for k in range(length):
        other = queue[k]
        same_bank = requests[other, BANK] == requests[which, BANK]
        if other != which and same_bank and requests[other, ROW] == requests[which, ROW]:
            return True
    return False


@kernel
def _remove(queue, length, position):
    """Close the gap that a request leaves in its queue."""
    for k in range(position, length - 1):
        queue[k] = queue[k + 1]


@inline
def _drains(p, channel, n_reads, n_writes):
    """Decide whether writes go first: from 4/5 of the queue, or without a read, until 1/5."""
    if channel[C_DRAINS]:
        channel[C_DRAINS] = n_writes > 0 and (5 * n_writes > p[DEPTH] or n_reads == 0)
    else:
        channel[C_DRAINS] = n_writes > 0 and (5 * n_writes > 4 * p[DEPTH] or n_reads == 0)
    return channel[C_DRAINS] == 1


@kernel
def _refresh(p, banks, groups, ranks, channel, requests, active, n_active, now, best):
    """Return (time, command, rank) of the first command of a refresh that waits, if it is ready before `best`.

    Rows that were opened for a request wait for that request.
    """
    command, which = REF, -1
    n = p[GROUPS] * p[BANKS]
    for rank in range(p[RANKS]):
        if not ranks[rank, R_WAITS]:
            continue
        step = REF
        for one in range(rank * n, rank * n + n):
            if banks[one, OPEN] != NO_ROW:
                step = PREA
        for k in range(n_active):
            if requests[active[k], RANK] == rank:
                step = -1
        if step >= 0:
            at = max(now, ready(p, banks, groups, ranks, channel, step, rank, 0, 0))
            if at < best:
                best, command, which = at, step, rank
    return best, command, which


@kernel
def _first_active(p, banks, groups, ranks, channel, requests, active, n_active, now):
    """Return (time, position) of the first access for which a row has been opened, the oldest of equals."""
    best, found = NEVER, -1
    for k in range(n_active):
        which = active[k]
        command = WR if requests[which, WRITES] else RD
        rank, group, bank = requests[which, RANK], requests[which, GROUP], requests[which, BANK]
        at = max(now, ready(p, banks, groups, ranks, channel, command, rank, group, bank))
        if at < best or (at == best and which < active[found]):
            best, found = at, k
    return best, found


@kernel
def _first_ready(p, banks, groups, ranks, channel, requests, queue, length, active, n_active, now, best):
    """Return (time, position, command) of the queue's first command ready before `best`, the oldest of equals.

    Of each bank, only the first request that is met counts, and where that needs another row than the open one, the
    first hit behind it: all others would be ready no earlier, or would close a row before an earlier hit on it.
    Nor is a row closed before the request that it was opened for.
    """
    found, what = -1, PRE
    channel[C_SCANS] += 2
    scan = channel[C_SCANS]
    for k in range(n_active):
        banks[requests[active[k], BANK], B_MET] = scan
    for k in range(length):
        which = queue[k]
        bank = requests[which, BANK]
        met = banks[bank, B_MET]
        if met > scan:
            continue
        rank = requests[which, RANK]
        if ranks[rank, R_WAITS]:
            continue
        row = banks[bank, OPEN]
        if row == requests[which, ROW]:
            command = WR if requests[which, WRITES] else RD
            banks[bank, B_MET] = scan + 1
        elif row == NO_ROW:
            command = ACT
            banks[bank, B_MET] = scan + 1
        elif met == scan:
            continue
        else:
            command = PRE
            banks[bank, B_MET] = scan
        at = max(now, ready(p, banks, groups, ranks, channel, command, rank, requests[which, GROUP], bank))
        if at < best:
            best, found, what = at, k, command
            if at == now:
                break
    return best, found, what


@inline
def _horizon(p, ranks, requests, following, room):
    """Return when something happens that no command waits for: an arrival, or a refresh falls due."""
    at = requests[following, ARRIVAL] if room else NEVER
    for rank in range(p[RANKS]):
        if not ranks[rank, R_WAITS]:
            at = min(at, ranks[rank, R_DUE])
    return at


@kernel
def _note(log, n_log, now, command, rank, group, bank, row):
    if n_log < len(log):
        log[n_log, 0], log[n_log, 1], log[n_log, 2] = now, command, rank
        log[n_log, 3], log[n_log, 4], log[n_log, 5] = group, bank, row
    return n_log + 1


@kernel
def serve(p, banks, groups, ranks, channel, requests, queues, log):
    """Serve the requests of one channel to the last; return the time of the last command and the commands logged.

    Parameters
    ----------
    p : ndarray of int64
        Parameters of the part.
    banks, groups, ranks, channel : ndarray of int64
        The state, carried on from call to call; groups and banks are numbered through the channel.
    requests : ndarray of int64, (n, 7)
        One burst each, by arrival; DONE is filled in: when the last beat of data has been transferred, ps.
    queues : ndarray of int64, (3, 1 + at least DEPTH and the banks)
        Room for the queues of reads and of writes and for requests whose row has been opened; last, their lengths.
    log : ndarray of int64, (any, 6)
        Filled with time, command, rank, group, bank and row of every command until it is full.
    """
    n, following, served, n_log = len(requests), 0, 0, 0
    lengths, active = queues[:, queues.shape[1] - 1], queues[2]
    lengths[0] = lengths[1] = lengths[2] = 0
    now = requests[0, ARRIVAL] if n else 0
    skip_refreshes(p, ranks, channel, now)
    # Refreshes that fell due while nothing was asked for take place then, not when the next request comes.
    if n:
        for rank in range(p[RANKS]):
            now = min(now, ranks[rank, R_DUE])
    while served < n:
        while following < n and requests[following, ARRIVAL] <= now:
            kind = requests[following, WRITES]
            if lengths[kind] == p[DEPTH]:
                break
            queues[kind, lengths[kind]] = following
            lengths[kind] += 1
            following += 1
        if lengths[0] + lengths[1] + lengths[2] == 0 and following < n:
            skip_refreshes(p, ranks, channel, requests[following, ARRIVAL])
        kind = 1 if _drains(p, channel, lengths[0], lengths[1]) else 0
        queue, length, n_active = queues[kind], lengths[kind], lengths[2]
        best, served_first = _first_active(p, banks, groups, ranks, channel, requests, active, n_active, now)
        best, command, rank = _refresh(p, banks, groups, ranks, channel, requests, active, n_active, now, best)
        best, position, chosen = _first_ready(
            p, banks, groups, ranks, channel, requests, queue, length, active, n_active, now, best
        )
        room = following < n and lengths[requests[min(following, n - 1), WRITES]] < p[DEPTH]
        horizon = _horizon(p, ranks, requests, following, room)
        if horizon <= best:
            now = max(now, horizon)
            for one in range(p[RANKS]):
                if ranks[one, R_DUE] <= now:
                    ranks[one, R_WAITS] = 1
            continue
        now = best
        if position < 0 and rank >= 0:
            issue(p, banks, groups, ranks, channel, command, rank, 0, 0, NO_ROW, now)
            n_log = _note(log, n_log, now, command, rank, 0, 0, NO_ROW)
            continue
        which = queue[position] if position >= 0 else active[served_first]
        if position < 0:
            chosen = WR if requests[which, WRITES] else RD
        rank, row = requests[which, RANK], requests[which, ROW]
        group, bank = requests[which, GROUP], requests[which, BANK]
        issue(p, banks, groups, ranks, channel, chosen, rank, group, bank, row, now)
        n_log = _note(log, n_log, now, chosen, rank, group, bank, row)
        if chosen == PRE:
            continue
        if position >= 0:
            _remove(queue, length, position)
            lengths[kind] -= 1
        else:
            _remove(active, n_active, served_first)
            lengths[2] -= 1
        if chosen == ACT:
            active[lengths[2]] = which
            lengths[2] += 1
            continue
        requests[which, DONE] = now + p[T_BURST] + (p[T_CWL] if chosen == WR else p[T_CL])
        served += 1
        if p[CLOSED] and not (
            _wanted(requests, active, lengths[2], which) or _wanted(requests, queue, lengths[kind], which)
        ):
            # Auto-precharge: the bank closes itself as soon as it may, without a command on the bus.
            at = banks[bank, B_PRE]
            banks[bank, OPEN] = NO_ROW
            banks[bank, B_ACT] = max(banks[bank, B_ACT], at + p[T_RP])
            n_log = _note(log, n_log, at, AUTO, rank, group, bank, NO_ROW)
    return now, n_log


@kernel
def transfer(
    p, order, sizes, banks, groups, ranks, channels, requests, counts, queues, log, first, n_bursts, writes, start
):
    """Serve bursts `first` and following, all asked for at `start`.

    Parameters
    ----------
    p : ndarray of int64
    order, sizes : ndarray of int64, (6,)
        Fields of an address, the least significant first; how many there are of each.
    banks, groups, ranks, channels : ndarray of int64, (n_channels, ...)
        The state, carried on.
    requests, counts : ndarray of int64, (n_channels, any, 7) and (n_channels,)
        Room to gather the bursts of every channel; a channel that runs out of it is served first.

    Returns
    -------
    end, done, activations : int
        When the next transfer may begin; when the last beat of data is through; rows opened.
    """
    end, done = start, start
    at, acts = 0, 0
    while at < n_bursts:
        for channel in range(len(counts)):
            counts[channel] = 0
        while at < n_bursts:
            channel, rank, group, bank, row = _split(order, sizes, first + at)
            k = counts[channel]
            if k == requests.shape[1]:
                break
            group += rank * p[GROUPS]
            requests[channel, k, ARRIVAL], requests[channel, k, RANK] = start, rank
            requests[channel, k, GROUP], requests[channel, k, BANK] = group, bank + group * p[BANKS]
            requests[channel, k, ROW], requests[channel, k, WRITES] = row, writes
            counts[channel] = k + 1
            at += 1
        for channel in range(len(counts)):
            n = counts[channel]
            if n == 0:
                continue
            acts -= channels[channel, C_ACTS]
            mine = requests[channel, :n]
            serve(p, banks[channel], groups[channel], ranks[channel], channels[channel], mine, queues, log)
            acts += channels[channel, C_ACTS]
            end = max(end, channels[channel, C_LAST] + p[T_BURST])
            for k in range(n):
                done = max(done, mine[k, DONE])
    return end, done, acts


@inline
def _split(order, sizes, burst):
    """Return channel, rank, group, bank and row of a burst."""
    channel, rank, group, bank, row = 0, 0, 0, 0, 0
    for k in range(6):
        field = order[k]
        value = burst % sizes[field]
        burst //= sizes[field]
        if field == 0:
            channel = value
        elif field == 1:
            rank = value
        elif field == 2:
            group = value
        elif field == 3:
            bank = value
        elif field == 4:
            row = value
    return channel, rank, group, bank, row
