# When the time is up, Slurm sends USR1 to this script alone: the job is asked to stop, and the task
# goes back into the queue. TERM is for good: somebody cancelled the task. A job that is asked twice
# may stop at once and lose what it did since its last checkpoint, but nothing more.
asked=no signals=0 child=
ask() {
    signals=$((signals + 1))
    [ "$asked" = to-end ] || asked=$1
    [ -z "$child" ] || kill -s TERM "$child" 2>/dev/null
}
trap 'ask to-pause' USR1
trap 'ask to-end' TERM INT HUP

rm -f "$ends/$SLURM_ARRAY_TASK_ID"
job </dev/null &
child=$!
[ "$asked" = no ] || kill -s TERM "$child" 2>/dev/null

# A signal ends `wait` early: then it says nothing of the job.
while :; do
    before=$signals
    wait "$child"
    status=$?
    [ "$signals" != "$before" ] || break
done

# The task is named by its array and its place in it: SLURM_JOB_ID of the last task is that of the
# whole array.
case $asked:$status in
to-pause:129 | to-pause:130 | to-pause:143)
    if [ "${SLURM_RESTART_COUNT:-0}" -ge 100 ]; then
        echo "the time was up for the 100th time: give the job more (--time), or see its log"
    elif scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"; then
        echo "the time is up: the task waits for its next try"
        exit "$status"
    fi
    ;;
esac
echo "$status" >"$ends/$SLURM_ARRAY_TASK_ID.tmp" && mv "$ends/$SLURM_ARRAY_TASK_ID.tmp" "$ends/$SLURM_ARRAY_TASK_ID"
exit "$status"
