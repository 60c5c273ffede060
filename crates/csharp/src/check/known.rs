//! Types that the rules of the language mention.

use crate::table::{CONTEXT, DefId, TABLE};
use std::sync::LazyLock;

pub(crate) struct Known {
    pub(crate) nullable: DefId,
    pub(crate) array: DefId,
    pub(crate) value_type: DefId,
    pub(crate) enumeration: DefId,
    pub(crate) multicast: DefId,
    pub(crate) exception: DefId,
    pub(crate) disposable: DefId,
    pub(crate) enumerable: DefId,
    pub(crate) enumerable_of: DefId,
    pub(crate) enumerator: DefId,
    pub(crate) enumerator_of: DefId,
    pub(crate) list_of: DefId,
    pub(crate) collection_of: DefId,
    pub(crate) read_only_list: DefId,
    pub(crate) read_only_collection: DefId,
    pub(crate) formattable: DefId,
    pub(crate) formattable_string: DefId,
    pub(crate) ty: DefId,
    pub(crate) task: DefId,
    pub(crate) task_of: DefId,
    pub(crate) value_tuple: DefId,
    pub(crate) context: DefId,
    pub(crate) guid: DefId,
    pub(crate) date_time: DefId,
    pub(crate) time_span: DefId,
    pub(crate) uri: DefId,
    pub(crate) token: DefId,
    pub(crate) grouping: DefId,
}

pub(crate) static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    // A name that the table lacks becomes `object`; a test holds that none does.
    let find = |space: &str, name: &str, arity: usize| {
        TABLE.find(space, name, arity).unwrap_or(DefId::OBJECT)
    };
    let generic = "System.Collections.Generic";
    Known {
        nullable: find("System", "Nullable", 1),
        array: find("System", "Array", 0),
        value_type: find("System", "ValueType", 0),
        enumeration: find("System", "Enum", 0),
        multicast: find("System", "MulticastDelegate", 0),
        exception: find("System", "Exception", 0),
        disposable: find("System", "IDisposable", 0),
        enumerable: find("System.Collections", "IEnumerable", 0),
        enumerable_of: find(generic, "IEnumerable", 1),
        enumerator: find("System.Collections", "IEnumerator", 0),
        enumerator_of: find(generic, "IEnumerator", 1),
        list_of: find(generic, "IList", 1),
        collection_of: find(generic, "ICollection", 1),
        read_only_list: find(generic, "IReadOnlyList", 1),
        read_only_collection: find(generic, "IReadOnlyCollection", 1),
        formattable: find("System", "IFormattable", 0),
        formattable_string: find("System", "FormattableString", 0),
        ty: find("System", "Type", 0),
        task: find("System.Threading.Tasks", "Task", 0),
        task_of: find("System.Threading.Tasks", "Task", 1),
        value_tuple: find("System", "ValueTuple", 0),
        context: find(CONTEXT, "IProxyRequestContext", 0),
        guid: find("System", "Guid", 0),
        date_time: find("System", "DateTime", 0),
        time_span: find("System", "TimeSpan", 0),
        uri: find("System", "Uri", 0),
        token: find("Newtonsoft.Json.Linq", "JToken", 0),
        grouping: find("System.Linq", "IGrouping", 2),
    }
});
