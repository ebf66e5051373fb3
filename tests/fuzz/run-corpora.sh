# Runs each fuzzer over its corpus; TAP.
n=0 failed=0
for fuzzer in "$RECFLOW_BUILDDIR"/tests/fuzz/fuzz-*; do
        case $fuzzer in *.*) continue ;; esac
        name=${fuzzer##*fuzz-}
        n=$((n + 1))
        if out=$("$fuzzer" "$RECFLOW_SRCDIR/tests/fuzz/corpus/$name" 2>&1); then
                echo "ok $n - fuzz-$name: $(echo "$out" | grep -c '^ok') files"
        else
                echo "$out" | sed 's/^/# /'
                echo "not ok $n - fuzz-$name"
                failed=1
        fi
done
echo "1..$n"
exit $failed
