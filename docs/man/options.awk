# Makes the manual's list of options from "recflowd --sample".
/^\[/ { printf ".SH \"%s\"\n", $0; next }
/^#\[provider/ { exit }
/^# / && !/Everything that/ { help = substr($0, 3); next }
/^#[a-z_-]+ =/ {
        name = $1
        sub(/^#/, "", name)
        value = $0
        sub(/^#[a-z_-]+ = ?/, "", value)
        gsub(/-/, "\\-", name)
        gsub(/-/, "\\-", value)
        reload = help ~ /; needs a restart\)$/ ? "" : ", reload"
        sub(/(; needs a restart)?\)$/, reload ")", help)
        printf ".TP\n.B %s\n%s", name, help
        printf value == "" ? " Unset unless given.\n" : " Default: %s.\n", value
}
