# Makes a C header of interface descriptions: each becomes a string named after the last part of the interface.
FNR == 1 {
        if (open) print "        ;"
        name = FILENAME
        sub(/\.varlink$/, "", name)
        sub(/.*\./, "", name)
        printf "static const char rf_%s_description[] =\n", name
        open = 1
}
{
        gsub(/\\/, "\\\\")
        gsub(/"/, "\\\"")
        printf "        \"%s\\n\"\n", $0
}
END { if (open) print "        ;" }
