# Stands for a vendor's Tcl: knows commands, their options and the properties that may be set, and refuses all else.
# Before this: dicts `options` (command to options with a value) and `flags`, lists `properties`, `answers`, `record`.

set channel [open $record w]
proc note {words} {
  puts $::channel [string map [list "\n" " "] $words]
  flush $::channel
}
proc refuse {text} {
  puts stderr "refused: $text"
  exit 3
}

# The positional arguments of a call, its options checked.
proc checked {command words} {
  set rest {}
  for {set i 0} {$i < [llength $words]} {incr i} {
    set word [lindex $words $i]
    if {[string match -* $word] && ![string is double -strict $word]} {
      if {[dict exists $::flags $command] && $word in [dict get $::flags $command]} {
        continue
      }
      if {![dict exists $::options $command] || $word ni [dict get $::options $command]} {
        refuse "$command knows no option $word"
      }
      if {[incr i] >= [llength $words]} {
        refuse "$command: $word wants a value"
      }
      if {$word in {-root_dir -ip_directory -directory -xo_path -file} && [string match "* *" [lindex $words $i]]} {
        refuse "$command: $word [lindex $words $i]"
      }
    } else {
      lappend rest $word
    }
  }
  return $rest
}

proc property_known {name} {
  foreach pattern $::properties {
    if {[string match $pattern $name]} { return 1 }
  }
  return 0
}

namespace eval ipx {}
foreach command [dict keys $options] {
  proc ::$command {args} [format {
    set rest [checked %1$s $args]
    note [list %1$s {*}$args]
    return [answer %1$s $args $rest]
  } $command]
}

proc answer {command words rest} {
  switch $command {
    set_property {
      if {"-dict" in $words} {
        foreach {name value} [lindex $words [expr {[lsearch $words -dict] + 1}]] {
          if {![property_known $name]} { refuse "there is no property $name" }
        }
      } elseif {![property_known [lindex $rest 0]]} {
        refuse "there is no property [lindex $rest 0]"
      }
    }
    add_files - read_xdc {
      foreach file [concat {*}$rest] {
        if {![file exists $file]} { refuse "$command: $file does not exist" }
      }
    }
    set_global_assignment {
      set name [lindex $words [expr {[lsearch $words -name] + 1}]]
      if {$name ni $::assignments} { refuse "there is no assignment $name" }
      if {[string match *_FILE $name] && ![file exists [lindex $rest 0]]} { refuse "[lindex $rest 0] does not exist" }
    }
    ipx::package_project {
      set root [lindex $words [expr {[lsearch $words -root_dir] + 1}]]
      file mkdir $root
      close [open $root/component.xml w]
    }
    launch_runs {
      set runs $::here/work/$::name/$::name.runs/impl_1
      set bd $::here/work/$::name/$::name.gen/sources_1/bd/$::name/hw_handoff
      file mkdir $runs $bd
      close [open $runs/${::name}_wrapper.bit w]
      close [open $bd/$::name.hwh w]
    }
    get_property {
      return [dict get {PROGRESS 100% SLACK 0.25} [lindex $rest 0]]
    }
  }
  if {[dict exists $::answers $command]} {
    return [string map [list %s [lindex $rest 0]] [dict get $::answers $command]]
  }
  return [lindex $rest end]
}

rename unknown tcl_unknown
proc unknown {args} {
  refuse "there is no command [lindex $args 0]"
}
